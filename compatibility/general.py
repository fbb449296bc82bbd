"""What must be true with every package: signed in, anonymous, and in an outage."""

from __future__ import annotations

from compatibility.package import expect, expect_that
from compatibility.visit import Visit

ASKING = "/who", "/awho", "/guarded", "/aguarded", "/django-guarded", "/page"


def signed_in(visit: Visit) -> None:
    """Each sees themselves, on every kind of view."""
    for _ in range(2):
        for visitor in (visit.ada, visit.bob):
            for path in ("/who", "/awho", "/guarded", "/aguarded", "/django-guarded", "/greeting", "/agreeting"):
                reply = visitor.get(path)
                expect((reply.status, reply.json.get("email")), (200, visitor.email), f"signed in at {path}")
            expect_that(visitor.email in visitor.get("/page").text, "the page does not show who is signed in")
    reply = visit.ada.post("/notes", {"text": "hello"})
    expect((reply.status, reply.json.get("email")), (200, visit.ada.email), "signed in, a form is sent")


def anonymous(visit: Visit) -> None:
    """Public pages are public; guarded ones lead to Ory's login."""
    for path in ("/silent", "/asilent"):
        expect(visit.nobody.get(path).text, "hello", f"anonymous at {path}")
    for path in ("/who", "/awho", "/greeting", "/agreeting"):
        expect(visit.nobody.get(path).json["user"], None, f"anonymous at {path}")
    for path in ("/guarded", "/aguarded", "/django-guarded"):
        replies = visit.nobody.follow(path)
        expect([reply.status for reply in replies], [302, 302], f"anonymous at {path}: the way to Ory")
        expect_that(replies[0].location.startswith("/auth/login?next="), f"{path} leads to {replies[0].location}")
        expect_that(
            replies[1].location.startswith(f"{visit.ory.public_url}/self-service/login/browser"),
            f"the login leads to {replies[1].location}",
        )


def outage(visit: Visit) -> None:
    """503 where the user is asked for, and nothing else changes. The stranger's session is in no cache."""
    for path in ASKING:
        reply = visit.stranger.get(path)
        expect((reply.status, "Retry-After" in reply.headers), (503, True), f"in an outage at {path}")
    for path in ("/greeting", "/agreeting"):
        reply = visit.stranger.get(path)
        expect((reply.status, reply.json.get("unavailable")), (200, True), f"in an outage at {path}")
    for path in ("/silent", "/asilent"):
        expect(visit.stranger.get(path).text, "hello", f"in an outage at {path}")
    expect(visit.nobody.get("/who").json["user"], None, "in an outage, without a credential")
