"""The mailbox: the page, the admin API and Python all show the messages that the local Ory has sent."""

from __future__ import annotations

import pytest

from ory_auth.local import LocalOry

from .visits import Visitor, Visits, send


def page(local_ory: LocalOry, path: str = "/mailbox") -> str:
    response = send(local_ory.public_url, "GET", path, [("Accept", "text/html")])
    assert response.status == 200
    assert "Set-Cookie" not in response.headers
    return response.body.decode()


def test_the_page_shows_the_latest_message_first(local_ory: LocalOry) -> None:
    assert "There are no messages yet." in page(local_ory)
    local_ory.mailbox.send("login_code_valid", "ada@example.org", code="111111")
    local_ory.mailbox.send(
        "recovery_valid", "bob@example.org", url="http://127.0.0.1:4433/self-service/recovery?a=1&b=2"
    )
    shown = page(local_ory)
    assert shown.index("bob@example.org") < shown.index("111111")
    assert '<a href="http://127.0.0.1:4433/self-service/recovery?a=1&amp;b=2">' in shown
    assert "111111" not in page(local_ory, "/mailbox?recipient=bob@example.org")


def test_the_page_shows_markup_as_text(local_ory: LocalOry) -> None:
    local_ory.mailbox.send("login_code_valid", '"><script>alert(1)</script>@example.org', code="111111")
    assert "<script>alert" not in page(local_ory)


def test_the_page_has_no_inline_script_or_style(local_ory: LocalOry) -> None:
    response = send(local_ory.public_url, "GET", "/mailbox", [("Accept", "text/html")])
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<style" not in response.body.decode()
    for path in ("/mailbox/mailbox.css", "/mailbox/mailbox.js"):
        assert page(local_ory, path)


def test_the_admin_api_filters_messages(visits: Visits) -> None:
    mailbox = visits.ory.mailbox
    message = mailbox.send("login_code_valid", "ada@example.org", code="111111")
    mailbox.send("login_code_valid", "+4915112345678", code="222222", channel="sms")

    def get(query: str) -> list[str]:
        response = visits.request(Visitor(), "GET", f"{visits.ory.admin_url}/admin/courier/messages{query}")
        return [one["recipient"] for one in response.content]

    assert get("") == ["+4915112345678", "ada@example.org"]
    assert get("?recipient=ada%40example.org&status=queued") == ["ada@example.org"]
    assert get("?status=sent") == []
    one = visits.request(Visitor(), "GET", f"{visits.ory.admin_url}/admin/courier/messages/{message.id}")
    assert "111111" in one.content["body"]


def test_python_finds_the_latest_message_of_a_recipient(local_ory: LocalOry) -> None:
    mailbox = local_ory.mailbox
    with pytest.raises(LookupError, match=r"no message to anyone was sent. Messages were sent to: none at all"):
        mailbox.latest()
    mailbox.send("login_code_valid", "ada@example.org", code="111111")
    mailbox.send("login_code_valid", "ada@example.org", code="222222")
    assert mailbox.latest("ADA@example.org").code == "222222"
    assert [message.code for message in mailbox.messages("ada@example.org")] == ["222222", "111111"]
    with pytest.raises(LookupError, match=r"no message to bob@example.org was sent. Messages were sent to: ada@"):
        mailbox.latest("bob@example.org")
    assert "222222" not in repr(mailbox.latest())
    mailbox.clear()
    assert mailbox.messages() == []


def test_a_reset_deletes_the_messages(local_ory: LocalOry) -> None:
    local_ory.mailbox.send("login_code_valid", "ada@example.org", code="111111")
    local_ory.reset()
    assert local_ory.mailbox.messages() == []
