"""A view of Django REST framework. Who asks is decided by ``DEFAULT_AUTHENTICATION_CLASSES``, as ever."""

from __future__ import annotations

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response


@api_view()
def me(request: Request) -> Response:
    """Who the credential belongs to: a session token as a bearer or in ``X-Session-Token``, or the browser's cookie."""
    session = request._request.ory_session
    return Response(
        {
            "user": request.user.get_username(),
            "name": request.user.get_full_name(),
            "email": request.user.email,
            "identity": str(session.identity.id),
            "aal": session.aal,
            "expires_at": session.expires_at,
        }
    )
