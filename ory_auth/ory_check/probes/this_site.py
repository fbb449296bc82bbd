"""A request to this project, through its middleware and URLs, without a server."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Mapping

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.urls import get_script_prefix
from django.utils.datastructures import CaseInsensitiveMapping

from ...ory.addresses import DEFAULT_PORTS, Origin
from ...ory.http_client import Response
from ..facts.http_result import HttpResult
from .http import JSON


def get_from_this_site(path: str, site: Origin, headers: Mapping[str, str] = JSON) -> HttpResult:
    """The response to a GET of ``path`` (with the script prefix) at this origin. Of ``headers``, it has ``Accept``."""
    started, now = time.perf_counter(), time.time()
    response, problem = None, ""
    try:
        answer = WSGIHandler().get_response(WSGIRequest(_environ(path, site, headers["Accept"])))
        cookies = tuple(morsel.OutputString() for morsel in answer.cookies.values())
        headers = CaseInsensitiveMapping(dict(answer.items()))
        response = Response(answer.status_code, headers, getattr(answer, "content", b""), cookies)
    except Exception as error:  # middleware of the project may raise anything
        problem = f"this site raised {type(error).__name__}"
    seconds = time.perf_counter() - started
    return HttpResult(response, problem, seconds, now + seconds / 2)


def _environ(path: str, site: Origin, accept: str) -> dict[str, object]:
    prefix = get_script_prefix().rstrip("/")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": prefix,
        "PATH_INFO": path.removeprefix(prefix),
        "QUERY_STRING": "",
        "SERVER_NAME": site.host,
        "SERVER_PORT": str(site.port or DEFAULT_PORTS[site.scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": site.netloc,
        "HTTP_ACCEPT": accept,
        "HTTP_USER_AGENT": "django-ory",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": site.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": True,
    }
