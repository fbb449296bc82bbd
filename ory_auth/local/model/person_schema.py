"""The identity schema of the local Ory, unless the configuration has another one."""

from __future__ import annotations

from typing import Any

EMAIL_TRAIT: dict[str, Any] = {
    "type": "string",
    "format": "email",
    "title": "E-mail address",
    "ory.sh/kratos": {
        "credentials": {
            "password": {"identifier": True},
            "code": {"identifier": True, "via": "email"},
            "totp": {"account_name": True},
        },
        "verification": {"via": "email"},
        "recovery": {"via": "email"},
    },
}

PERSON_SCHEMA: dict[str, Any] = {
    "$id": "https://example.test/person.schema.json",
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Person",
    "type": "object",
    "properties": {
        "traits": {
            "type": "object",
            "properties": {
                "email": EMAIL_TRAIT,
                "username": {"type": "string", "title": "Username"},
                "name": {
                    "type": "object",
                    "properties": {
                        "first": {"type": "string", "title": "First name"},
                        "last": {"type": "string", "title": "Last name"},
                    },
                },
                "groups": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["email"],
            "additionalProperties": False,
        }
    },
}
