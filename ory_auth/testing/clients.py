"""Sets the session cookie in a client of any kind."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import urlsplit


def set_cookie(client: Any, cookie: str, url: str) -> None:
    """Set a cookie (``name=value``). ``url`` is that of the live server; browsers need it.

    Accepts Django's ``Client`` and ``AsyncClient`` and their subclasses, a page or context of Playwright (sync), a
    driver of Selenium, and a session of requests or httpx. Raises ``TypeError`` for anything else.
    """
    name, _, value = cookie.partition("=")
    context = getattr(client, "context", client)  # a Playwright page has one
    jar = getattr(client, "cookies", None)
    if isinstance(jar, SimpleCookie):
        _set_unquoted(jar, name, value)
    elif hasattr(context, "add_cookies"):
        attributes = {"url": _require_url(url, client), "httpOnly": True, "sameSite": "Lax"}
        _require_sync(context.add_cookies([{"name": name, "value": value, **attributes}]))
    elif hasattr(client, "add_cookie"):
        client.get(_require_url(url, client))  # Selenium sets cookies only for the page that is open
        client.add_cookie({"name": name, "value": value, "path": "/", "httpOnly": True, "sameSite": "Lax"})
    elif jar is not None and hasattr(jar, "set"):
        host = urlsplit(url).hostname or ""
        # Python's cookie jars add ".local" to a host name without a dot.
        jar.set(name, value, domain=host if "." in host or not host else f"{host}.local")
    else:
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise TypeError(f"{kind} is not a supported client. Send `ory.person().sign_in().headers` with it instead.")


def _set_unquoted(jar: SimpleCookie, name: str, value: str) -> None:
    """Set a cookie exactly as it is: ``SimpleCookie`` would quote some values."""
    morsel: Morsel[str] = Morsel()
    morsel.set(name, value, value)
    dict.__setitem__(jar, name, morsel)


def _require_url(url: str, client: Any) -> str:
    if not url:
        name = type(client).__name__
        raise TypeError(f"{name} is a browser, so pass the URL of the site: ory_login(page, live_server.url).")
    return url


def _require_sync(result: Any) -> None:
    if hasattr(result, "__await__"):
        result.close()
        raise TypeError("Playwright's async API is not supported. Use the sync API, or add `cookie` to the context.")
