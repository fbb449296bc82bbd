"""Moving users from Django to Ory, and back. See ``docs/how-to/move-users.md``.

``import_user`` and ``aimport_user`` move one user, such as at their next sign-in with Django.
"""

from .options import MoveOptions
from .single import ImportRefused, aimport_user, import_user

__all__ = ["ImportRefused", "MoveOptions", "aimport_user", "import_user"]
