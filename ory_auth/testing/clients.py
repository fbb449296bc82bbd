"""Giving a client the session cookie, whatever kind of client it is."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import urlsplit


def give(client: Any, cookie: str, url: str) -> None:
    """Put a cookie (``name=value``) into a client; ``url`` is the live server's, for browsers.

    Takes Django's ``Client`` and ``AsyncClient`` and what derives from them, a page or context of Playwright (sync), a
    driver of Selenium, and a session of requests or httpx. Raises ``TypeError`` for anything else.
    """
    name, _, value = cookie.partition("=")
    context = getattr(client, "context", client)  # a page of Playwright's has one
    jar = getattr(client, "cookies", None)
    if isinstance(jar, SimpleCookie):
        _put(jar, name, value)
    elif hasattr(context, "add_cookies"):
        known = {"name": name, "value": value, "url": _needed(url, client)}
        _must_be_sync(context.add_cookies([{**known, "httpOnly": True, "sameSite": "Lax"}]))
    elif hasattr(client, "add_cookie"):
        client.get(_needed(url, client))  # a driver takes cookies only for the site that it shows
        client.add_cookie({"name": name, "value": value, "path": "/", "httpOnly": True, "sameSite": "Lax"})
    elif jar is not None and hasattr(jar, "set"):
        host = urlsplit(url).hostname or ""
        # Python's cookie jars take a name without a dot for one of the domain "local".
        jar.set(name, value, domain=host if "." in host or not host else f"{host}.local")
    else:
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise TypeError(f"{kind} is no client known here. Let it send `ory.person().sign_in().headers`.")


def _put(jar: SimpleCookie, name: str, value: str) -> None:
    """As it is: ``SimpleCookie`` would quote what it finds odd."""
    morsel: Morsel[str] = Morsel()
    morsel.set(name, value, value)
    dict.__setitem__(jar, name, morsel)


def _needed(url: str, client: Any) -> str:
    if not url:
        raise TypeError(f"{type(client).__name__} is a browser: name the site, as in ory_login(page, live_server.url).")
    return url


def _must_be_sync(answer: Any) -> None:
    if hasattr(answer, "__await__"):
        answer.close()
        raise TypeError("Playwright's async API is not taken here: use the sync one, or add `cookie` to the context.")
