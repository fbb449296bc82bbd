"""An index of all identities: what each of them alone may have, and their IDs in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

Key = tuple[str, str]


class IdentityIndex:
    """Finds the identity that has a login name, an account at a provider, an address or an `external_id`.

    Lists of identities are in the order of `ids`. Kratos' order is the same.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._owners: dict[Key, str] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}

    def owner(self, key: Key) -> str | None:
        """The ID of the identity that has this key."""
        return self._owners.get(key)

    def other_owner(self, identity_id: str, keys: Iterable[Key]) -> str | None:
        """The ID of another identity that has one of these keys."""
        owners = (self._owners.get(key) for key in keys)
        return next((owner for owner in owners if owner not in (None, identity_id)), None)

    def put(self, identity_id: str, keys: Iterable[Key]) -> None:
        """Add an identity, or replace its keys."""
        if identity_id in self._keys:
            self._forget_keys(identity_id)
        else:
            insort(self.ids, identity_id)
        self._keys[identity_id] = tuple(keys)
        self._owners.update(dict.fromkeys(self._keys[identity_id], identity_id))

    def remove(self, identity_id: str) -> None:
        self._forget_keys(identity_id)
        del self._keys[identity_id]
        del self.ids[bisect_left(self.ids, identity_id)]

    def ids_after(self, identity_id: str, count: int) -> list[str]:
        """The next IDs after this one."""
        start = bisect_right(self.ids, identity_id)
        return self.ids[start : start + count]

    def _forget_keys(self, identity_id: str) -> None:
        for key in self._keys[identity_id]:
            if self._owners.get(key) == identity_id:
                del self._owners[key]
