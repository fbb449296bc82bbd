"""JSON Patch (RFC 6902) as Kratos applies it: missing parents are made, "replace" adds, "test" is not supported."""

from __future__ import annotations

from typing import Any

from ..model.errors import OryError


def apply(document: dict[str, Any], patch: Any, denied: tuple[str, ...]) -> None:
    """Change the document in place; raises the error 400 for a patch that is none or that touches a denied path."""
    if not isinstance(patch, list):
        raise _refused("the patch is no array")
    for operation in patch:
        path = operation.get("path", "")
        if path in denied:
            raise _refused(f"{path} may not be patched")
        match operation.get("op"):
            case "add" | "replace":
                _put(document, path, operation.get("value"))
            case "remove":
                _take(document, path)
            case "move":
                _put(document, path, _take(document, operation["from"]))
            case "copy":
                value = _take(document, operation["from"])
                _put(document, operation["from"], value)
                _put(document, path, value)
            case other:
                raise _refused(f"unsupported operation: {other}")


def _refused(message: str) -> OryError:
    return OryError(400, reason="the JSON patch cannot be applied", message=message)


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _put(document: Any, path: str, value: Any) -> None:
    *above, last = _steps(path)
    for step in above:
        if isinstance(document, list):
            document = document[int(step)]
        else:
            document[step] = document.get(step) or {}
            document = document[step]
    if isinstance(document, list):
        document.insert(len(document) if last == "-" else int(last), value)
    else:
        document[last] = value


def _take(document: Any, path: str) -> Any:
    *above, last = _steps(path)
    try:
        for step in above:
            document = document[int(step) if isinstance(document, list) else step]
        return document.pop(int(last) if isinstance(document, list) else last)
    except (KeyError, IndexError, TypeError, ValueError):
        raise _refused(f"there is nothing at {path}") from None
