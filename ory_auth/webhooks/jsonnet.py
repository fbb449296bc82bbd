"""The Jsonnet templates from which Ory makes the bodies of hooks. They send as little as this site needs.

In both, an identity or a session that does not exist yet is ``null``, or has an ID of zeros.
"""

from __future__ import annotations

import base64

# Only IDs, because this site asks the admin API for everything else.
NOTICE = """\
function(ctx) {
  local id(name) = if std.get(ctx, name) == null then null else { id: ctx[name].id },
  flow: { id: ctx.flow.id, type: ctx.flow.type },
  identity: id('identity'),
  session: id('session'),
}
"""

# What BLOCKING_HOOK decides about: not in the database yet. No cookies, no headers, and no password.
BLOCKING = """\
function(ctx) {
  local identity = std.get(ctx, 'identity'),
  local session = std.get(ctx, 'session'),
  local nodes = std.get(std.get(ctx.flow, 'ui', {}), 'nodes'),
  flow: { id: ctx.flow.id, type: ctx.flow.type, active: std.get(ctx.flow, 'active') },
  identity: if identity == null then null else {
    id: identity.id,
    schema_id: identity.schema_id,
    traits: identity.traits,
    metadata_public: std.get(identity, 'metadata_public'),
  },
  session: if session == null then null else { id: session.id },
  transient_payload: std.get(ctx.flow, 'transient_payload'),
  fields: if nodes == null then [] else [n.attributes.name for n in nodes if std.objectHas(n.attributes, 'name')],
}
"""


def as_uri(template: str) -> str:
    """The template as Ory's configuration takes it."""
    return f"base64://{base64.b64encode(template.encode()).decode()}"
