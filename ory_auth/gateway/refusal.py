"""Why the gateway does not send a call to Ory."""

from __future__ import annotations

from enum import Enum


class Refusal(Enum):
    """The word in the log, the status of the response, and its text."""

    PATH = "path", 404, "Ory has no such endpoint for browsers."
    METHOD = "method", 405, "This endpoint does not accept this method."
    CROSS_SITE = "cross_site", 403, "This call comes from another site."
    LENGTH_MISSING = "length_missing", 411, "The length of the body is missing."
    TOO_LARGE = "too_large", 413, "The body is larger than 64 kB."
    BODY = "body", 400, "The body is incomplete, or this method has none."
    CONTENT_TYPE = "content_type", 415, "The body must be a form or JSON."
    QUERY = "query", 400, "The query is not valid."
    COOKIES = "cookies", 431, "There are too many cookies. Delete the cookies of this site, and try again."
    LOOP = "loop", 508, "ORY_AUTH['SDK_URL'] leads back to this site."

    def __init__(self, word: str, status: int, text: str) -> None:
        self.word, self.status, self.text = word, status, text


class CallRefused(Exception):
    """Raised while a call is read. Its text is the word of the reason."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.word)
        self.refusal = refusal
