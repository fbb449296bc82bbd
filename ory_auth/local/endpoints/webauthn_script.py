"""GET /.well-known/ory/webauthn.js, and the node of a flow that asks a page to load it.

https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-advanced-integration
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from functools import cache
from pathlib import Path

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model import nodes
from ..model.nodes import Node

PATH = "/.well-known/ory/webauthn.js"
SCRIPT = Path(__file__).parent.parent / "assets" / "webauthn.js"


@cache
def _script() -> bytes:
    return SCRIPT.read_bytes()


def get_script(exchange: Exchange) -> Response:
    return Response(_script(), headers={"Content-Type": "text/javascript; charset=UTF-8"})


def script_node(exchange: Exchange) -> Node:
    digest = base64.b64encode(hashlib.sha512(_script()).digest()).decode()
    attributes = {
        "src": exchange.state.public_url + PATH,
        "async": True,
        "referrerpolicy": "no-referrer",
        "crossorigin": "anonymous",
        "integrity": f"sha512-{digest}",
        "type": "text/javascript",
        "id": "webauthn_script",
        "nonce": str(uuid.uuid4()),
    }
    return nodes.make_node("webauthn", "script", attributes)
