"""What this package promises. Each test says with ``@pytest.mark.promise("…")`` which promises it holds.

A test that holds a promise fails if the code behind the promise is removed. ``pytest -m promise`` runs these tests.
``python -m tests.promises`` prints the promises and their tests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROMISES: dict[str, tuple[str, ...]] = {
    "Credentials": (
        "A token and a cookie with the same value have separate cache entries",
        "What one Ory says about a credential does not count for another Ory",
        "Cache keys and log lines do not confirm a guessed credential without SECRET_KEY",
        "Only the first credential counts, even if Ory refuses it",
        "A malformed credential is never sent to Ory, and no other is tried instead",
        "A credential has at most 8 KiB",
        "A lookup sends the session cookie to Ory, and no other cookie",
        "A Bearer token without Ory's prefix is not sent to Ory",
        "A flow is fetched with Ory's cookies, and no other cookie",
        "A cookie of Ory is passed on only if its Domain covers this host",
        "Of Ory's cookies, only the session cookie is passed on",
    ),
    "Redirects": (
        "A browser is redirected only to this site or to LOGIN_REDIRECT_HOSTS",
        "A page under https does not redirect to http",
        "A path with two leading slashes is not taken for another host",
        "A header that names the current page does not lead to another site",
        "A redirect loop ends at a page that explains it",
    ),
    "Views": (
        "A view that requires a second factor refuses a session without one",
        "A view with max_age refuses an older sign-in",
        "A view with fresh=True does not use the cache",
        "Ory is asked again before a cached AAL refuses anyone",
        "A stale session does not pass a guard that requires more than a session",
        "A person who is not admitted does not pass a guard",
        "An Ory session does not open a guard for another user who was assigned to the request",
        "A copy of a request does not open a guard for another user",
        "A class whose guard would never run cannot be defined",
        "The middleware does not start in the wrong place",
    ),
    "Responses of Ory": (
        "The time limit covers the whole response",
        "A response has at most 1 MiB after decompression",
        "A truncated compressed response does not count",
        "A large response is not cached",
        "Nobody gets the response to somebody else's request",
        "An unknown AAL counts as the lowest one",
        "An address counts as verified only if Ory says exactly true",
        "A response about another identity than its header names does not count",
        "An inactive session or identity is signed out",
        "An expired session is signed out, whatever status Ory returns",
        "A redirect of Ory is not followed",
        "A 401 counts only while Ory is ready",
        "A credential that was valid is not signed out by a single 401",
        "Two 401s sign nobody out if Ory is not ready after the second",
        "After a 429, Ory is not called until it allows it",
        "A 429 for another endpoint does not stop lookups",
        "A pause of lookups ends within a minute, whatever Ory says",
        "An id that Ory never makes is not sent to Ory",
        "A flow of an app is not shown as a page",
    ),
    "Cached sessions": (
        "A cached session ends when it expires",
        "A session is cached for at most a minute by default",
        "Both caches together keep a session no longer than allowed",
        "A cache entry that this package did not write is a miss",
        "A cache entry under another key is a miss",
        "An old cache entry that is put back is a miss",
        "Deployments with different CACHE_NAMESPACE values share nothing",
        "A stale session has no second factor",
        "A stale session counts only while Ory is down",
        "A session that Ory refused is not used again in an outage",
    ),
    "Sign-out": (
        "A lookup in progress does not bring back a session that was signed out",
        "A lookup that checked before the sign-out does not bring the session back",
        "A sign-out covers all credentials of the session",
        "A session that its owner ends from another device is refused at once",
        "Another site cannot end a person's sessions",
        "A person whose sessions are revoked in the admin is out on every worker",
        "A staff member cannot take over the account of a person with more rights",
        "An action in the admin is in the history of the staff member who did it",
        "Another site cannot act for a staff member",
        "With Ory down, an action in the admin changes nothing",
        "People can delete their accounts only if ACCOUNT_DELETION is on",
        "An account is deleted only by a person who has just signed in",
        "Another site cannot delete an account",
        "A deleted account is signed out everywhere at once",
        "If Ory does not delete the identity, nothing is deleted here",
        "A deletion that only Ory has completed is logged, and the person is told",
        "A process refuses a session that it signed out, whatever the cache loses",
        "A sign-out that the cache did not store is written again",
        "A sign-out that a cache lost without an error is written again",
        "A sign-out is written again even if its process gets no more requests",
        "A sign-out survives the rollback of the request's transaction",
        "A sign-out counts after SECRET_KEY was rotated",
        "Sign-outs of made-up tokens do not fill the cache",
        "A browser signs out only with a CSRF token",
        "Only POST signs out",
    ),
    "Gateway": (
        "The gateway sends on only what browsers need of Ory's API",
        "The gateway sends on only Ory's cookies",
        "Through the gateway, Ory can set only its own cookies",
        "A client's forwarding headers and credentials do not pass the gateway",
        "Nothing that Ory returns through the gateway can run as a page of this site",
        "Another site cannot send a form through the gateway",
        "The API key never goes along with a browser's call",
        "A sign-out through the gateway takes effect at once",
    ),
    "Page caches": (
        "A response that depends on the user is private",
        "A response that depends on the user names the headers it depends on",
        "Django's page caches do not store a page that depends on the user",
        "A response that used a copy of the request is private",
    ),
    "Load on Ory": (
        "Concurrent requests with one credential cause one lookup",
        "A process makes at most MAX_CONNECTIONS calls at the same time",
        "Unknown credentials leave a quarter of the connections to known ones",
        "Lookups of unknown credentials are limited",
        "One client address does not use up the limit of all",
        "Unknown credentials slow down as Ory's rate is used up",
        "The last quarter of Ory's rate is left to known credentials",
        "One known credential does not use up the last of Ory's rate",
        "A refused credential is remembered for a few seconds",
        "Sign-outs of unknown credentials are limited",
        "Pages of flows are limited",
        "Browsers that return from a sign-in are limited, however many markers they have",
        "A marker counts a few times only",
        "A session with more than 16 credentials pays for each further one",
        "A client cannot choose the address it is counted by",
        "After a 429, unknown credentials are held back for longer than known ones",
    ),
    "Outages": (
        "While the circuit breaker is open, no request waits for Ory",
        "No credential can open the circuit breaker",
        "A name server that hangs does not exceed the time limit",
        "A thread that waits for another request's lookup has a time limit",
        "A coroutine that waits for another request's lookup has a time limit",
        "A cancelled request does not cancel the lookup for the others",
        "A forked process shares no socket with its parent",
        "A page that ignored an outage becomes a 503",
        "Middleware that decides gets the outage, even if other middleware only records",
        "An outage sends no error mail and no exception to error collectors",
        "Code that reads request.user during a lookup does not start another lookup",
        "A cache that fails signs nobody out",
    ),
    "Users": (
        "An inactive user is never shown",
        "No USER_HANDLER admits an inactive user",
        "A user's fields never go back to an older state of the identity",
        "Each sign-in is announced once",
        "Concurrent first requests create one user",
        "A user is linked only by a verified address",
        "A privileged user is never linked",
        "A linked account keeps no other way to sign in",
        "A taken username is refused",
        "An address is taken from another user only with proof that it is free",
        "An address that a database takes for another one links nobody",
        "People cannot give themselves staff rights",
        "A new user has no usable password",
        "A username has no invisible characters",
        "A deleted user does not come back with an old session",
        "A cached row of a user does not outlive a change of the user",
        "A row that was read in a transaction that is rolled back is not cached",
    ),
    "Web hooks": (
        "A change at Ory shows here within a second, if Ory calls the web hook",
        "A web hook changes nothing that Ory's admin API does not confirm",
        "A web hook that could not be carried out is not remembered",
        "Web hooks use at most half of the connections to the admin API",
        "A web hook without a valid secret costs no query and no call to Ory",
        "A wrong ADMIN_URL deletes nothing",
        "The command for web hooks prints a secret only if asked",
        "A BLOCKING_HOOK that raises, is slow or returns something else has the configured effect",
    ),
    "Django's sessions": (
        "The next person on a browser does not see the Django session of the one before",
        "Without the owner's credential, the data of a Django session is hidden",
        "Data that a request stores belongs to its person",
        "A new Ory credential ends an older Django sign-in",
        "A made-up credential ends no Django sign-in",
        "login() with the person of the Ory session does not survive a revocation",
        "A new Ory session gets a new CSRF token",
    ),
    "APIs and WebSockets": (
        "A Django REST framework view needs a CSRF token with the session cookie",
        "A django-ninja operation needs a CSRF token with the session cookie",
        "The second factor of one person does not open an API for another",
        "An assigned user needs a CSRF token",
        "Another site cannot open a WebSocket with the browser's cookies",
        "In an outage, a WebSocket is refused",
        "recheck() notices a sign-out",
    ),
    "Impersonation": (
        "Nobody impersonates a superuser, themselves, an inactive user, or a user with more rights",
        "A token cannot impersonate",
        "The cookie of an impersonation is worthless in another session",
        "An impersonation ends with the staff member's session",
        "An impersonation ends when the staff member signs out",
        "An impersonation ends as soon as the rule no longer allows it",
        "An impersonation ends after an hour at most",
        "While a staff member impersonates a user, no view opens that requires more than a session",
        "A view with no_impersonation refuses staff who impersonate another user",
        "While a staff member impersonates a user, the account pages are refused",
        "A staff member and the user whom they impersonate never see each other's Django session",
        "A change that was meant for the person is not made for the staff member after the end",
        "A WebSocket is refused during an impersonation",
        "A Django sign-in during an impersonation does not outlive it",
    ),
    "Users as they move": (
        "A password hash is sent to Ory only if Ory can check it",
        "A person whose second factor cannot move stays, unless the project allows the loss",
        "Two users with the same sign-in name are not moved",
        "The password migration hook answers no caller without one of its secrets",
        "The password migration hook limits the attempts for each person",
        "The password migration hook takes as long for unknown people as for wrong passwords",
    ),
    "Settings page": (
        "Saving the settings page changes no trait that was not edited",
        "The settings page takes a profile only with a CSRF token",
    ),
    "Secrets and logs": (
        "Flow ids and logout tokens are not logged",
        "Error pages with DEBUG show no cookie",
        "An error about a setting shows no secret",
        "A visitor cannot forge a line in the log",
        "A visitor cannot fill the log",
        "Text that an attacker put into a link is not shown on the error page",
    ),
}
TESTS = Path(__file__).parent


@cache
def marked_tests() -> dict[str, list[str]]:
    """The ids of the tests that hold each promise, read from their source."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, promise in _marks(ast.parse(path.read_text()).body):
            found.setdefault(promise, []).append(f"{path.relative_to(TESTS.parent).as_posix()}::{name}")
    return found


def _marks(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """The name of each marked test, with each of its promises."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}::{name}", promise) for name, promise in _marks(node.body))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                    yield node.name, ast.literal_eval(mark.args[0])


def main() -> None:
    tests = marked_tests()
    for group, promises in PROMISES.items():
        print(f"\n{group}")
        for promise in promises:
            print(f"  {promise}")
            for test in tests.get(promise, []):
                print(f"    {test}")


if __name__ == "__main__":
    main()
