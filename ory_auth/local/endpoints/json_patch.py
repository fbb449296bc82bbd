"""JSON Patch (RFC 6902) as Kratos applies it: it creates missing parents, "replace" also adds, "test" is refused."""

from __future__ import annotations

from typing import Any

from ..model.errors import OryError


def apply_patch(document: dict[str, Any], patch: Any, read_only: tuple[str, ...], read_only_prefix: str) -> None:
    """Change the document in place. Raises `OryError` (400) for an invalid patch, and for a read-only path."""
    if not isinstance(patch, list):
        raise _error("the patch is not an array")
    for operation in patch:
        path = operation.get("path", "")
        if path.lower() in read_only or path.lower().startswith(read_only_prefix):
            raise _error(f"{path} may not be patched")
        match operation.get("op"):
            case "add" | "replace":
                _set(document, path, operation.get("value"))
            case "remove":
                _remove(document, path)
            case "move":
                _set(document, path, _remove(document, operation["from"]))
            case "copy":
                value = _remove(document, operation["from"])
                _set(document, operation["from"], value)
                _set(document, path, value)
            case other:
                raise _error(f"unsupported operation: {other}")


def _error(message: str) -> OryError:
    return OryError(400, reason="the JSON patch cannot be applied", message=message)


def _parse_pointer(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _set(document: Any, path: str, value: Any) -> None:
    *parents, last = _parse_pointer(path)
    for step in parents:
        if isinstance(document, list):
            document = document[int(step)]
        else:
            document[step] = document.get(step) or {}
            document = document[step]
    if isinstance(document, list):
        document.insert(len(document) if last == "-" else int(last), value)
    else:
        document[last] = value


def _remove(document: Any, path: str) -> Any:
    """Remove the value at the path, and return it."""
    *parents, last = _parse_pointer(path)
    try:
        for step in parents:
            document = document[int(step) if isinstance(document, list) else step]
        return document.pop(int(last) if isinstance(document, list) else last)
    except (KeyError, IndexError, TypeError, ValueError):
        raise _error(f"there is no value at {path}") from None
