"""Types for annotations in tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from django.contrib.auth import get_user_model
from django.http import HttpResponse

from ory_auth.local import LocalOry

if TYPE_CHECKING:
    from django.contrib.auth.models import User as User
    from django.test.client import _MonkeyPatchedASGIResponse, _MonkeyPatchedWSGIResponse

    Response = _MonkeyPatchedWSGIResponse
    AsyncResponse = _MonkeyPatchedASGIResponse
else:
    User = get_user_model()  # of the project under test
    Response = AsyncResponse = HttpResponse  # with the attributes that Django's test client adds

Json: TypeAlias = dict[str, Any]
Wait: TypeAlias = Callable[[float], None]
Fault: TypeAlias = Callable[[LocalOry], AbstractContextManager[object]]


class ChangeSettings(Protocol):
    """Change some keys of ``ORY_AUTH``."""

    def __call__(self, **keys: object) -> None: ...
