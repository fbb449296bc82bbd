"""JSON that cannot be changed and still is a ``dict`` and a ``list``, so that every encoder takes it."""

from __future__ import annotations

from typing import Any, NoReturn


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError("This value is read-only. copy.deepcopy() makes a copy that you can change.")


class ReadOnlyDict(dict[str, Any]):
    """A ``dict`` that refuses changes. Copies and pickles of it are ordinary dicts."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A ``list`` that refuses changes. Copies and pickles of it are ordinary lists."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return list, (list(self),)


def read_only(value: Any) -> Any:
    """The same JSON, read-only all the way down."""
    if isinstance(value, dict):
        return ReadOnlyDict({name: read_only(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return ReadOnlyList(map(read_only, value))
    return value
