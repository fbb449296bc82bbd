"""Changes that no test notices, and why that is right. An entry is the line as it is, as it was changed, and why."""

from __future__ import annotations

NAME_ONLY = "another key, just as secret and as long: only entries that are kept across the change are missed"
NEVER_SEEN = "a default for a header that did not come; it names no credential, so nothing follows from it"

EXPLAINED: dict[tuple[str, str], str] = {
    (
        '(Kind.COOKIE, cookie_pairs(meta.get("HTTP_COOKIE", ""), cookie_name)),',
        '(Kind.COOKIE, cookie_pairs(meta.get("HTTP_COOKIE", "XXXX"), cookie_name)),',
    ): NEVER_SEEN,
    (
        '(Kind.BEARER, _bearer(meta.get("HTTP_AUTHORIZATION", ""))),',
        '(Kind.BEARER, _bearer(meta.get("HTTP_AUTHORIZATION", "XXXX"))),',
    ): NEVER_SEEN,
}
