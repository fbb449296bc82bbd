"""The mailbox as a page, for people who try a project: GET /mailbox on the public port. Kratos has no such page."""

from __future__ import annotations

import re
from datetime import timedelta
from html import escape
from pathlib import Path

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.clock import EPOCH
from ..model.mailbox import MailMessage

ASSETS = Path(__file__).parent.parent / "assets"
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'"
LINK = re.compile(r"https?://[^\s<>\"']+")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox of the local Ory</title>
<link rel="stylesheet" href="mailbox/mailbox.css">
<script src="mailbox/mailbox.js" defer></script>
</head>
<body>
<header>
<h1>Mailbox</h1>
<p>The local Ory sends no e-mails and no text messages. You read them here. New messages appear by themselves.</p>
</header>
<main aria-live="polite">{messages}</main>
</body>
</html>
"""
EMPTY = '<p class="empty">There are no messages yet.</p>'
MESSAGE = """
<article id="{id}">
<header>
<h2>{subject}</h2>
<p>To <b>{recipient}</b> · <time datetime="{time:%Y-%m-%dT%H:%M:%SZ}">{time:%H:%M:%S} UTC</time></p>
</header>
{body}
</article>
"""
CODE = '<p class="code"><code>{code}</code><button type="button" data-copy="{code}" hidden>Copy</button></p>'


def show_mailbox(exchange: Exchange) -> Response:
    """All messages, the latest first. `?recipient=` shows those to one address."""
    messages = exchange.state.mailbox.messages(exchange.query.get("recipient"))
    content = PAGE.format(messages="".join(map(_message_html, messages)) or EMPTY)
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type="text/html")


def get_style(exchange: Exchange) -> Response:
    return _asset("mailbox.css", "text/css")


def get_script(exchange: Exchange) -> Response:
    return _asset("mailbox.js", "text/javascript")


def _asset(name: str, media_type: str) -> Response:
    return Response((ASSETS / name).read_bytes(), media_type=media_type)


def _message_html(message: MailMessage) -> str:
    paragraphs = message.body.split("\n\n")
    if message.code not in paragraphs:
        paragraphs.append(message.code)
    return MESSAGE.format(
        id=message.id,
        subject=escape(message.subject or "Text message"),
        recipient=escape(message.recipient),
        time=EPOCH + timedelta(microseconds=message.created_at // 1000),
        body="\n".join(_paragraph_html(message, paragraph) for paragraph in paragraphs if paragraph),
    )


def _paragraph_html(message: MailMessage, paragraph: str) -> str:
    if paragraph == message.code:
        return CODE.format(code=escape(paragraph))
    return f"<p>{_with_links(paragraph)}</p>"


def _with_links(text: str) -> str:
    """The text as HTML, with clickable URLs."""
    parts, position = [], 0
    for found in LINK.finditer(text):
        url = escape(found[0])
        parts += [escape(text[position : found.start()]), f'<a href="{url}">{url}</a>']
        position = found.end()
    return "".join([*parts, escape(text[position:])])
