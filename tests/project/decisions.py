"""Functions for ``BLOCKING_HOOK``, as projects write them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from ory_auth.webhooks import BlockingHook, Changes, Refusal, change_identity, change_traits, refuse

asked: list[BlockingHook] = []  # what the functions were called with
never_set = threading.Event()
hanging = threading.Event()  # until a test sets it


def record(hook: BlockingHook) -> None:
    asked.append(hook)


def refuse_example_com(hook: BlockingHook) -> Refusal | None:
    email = hook.traits.get("email", "")
    return (
        refuse("Please use your company's address.", field="traits.email") if email.endswith("@example.com") else None
    )


async def refuse_in_async_code(hook: BlockingHook) -> Refusal:
    await asyncio.sleep(0)
    return refuse("No.", code=9000042)


def refuse_twice(hook: BlockingHook) -> list[Refusal]:
    return [refuse("One.", field="traits.name.first"), refuse("Two.", field="traits.unknown")]


def change_name(hook: BlockingHook) -> Changes:
    return change_traits({"name": {"first": "Ada"}})


def change_everything(hook: BlockingHook) -> Changes:
    return change_identity(metadata_public={"plan": "free"}, metadata_admin={"n": 1}, external_id="e-1")


def raise_error(hook: BlockingHook) -> None:
    raise ValueError(f"secret of {hook.traits}")


def be_slow(hook: BlockingHook) -> None:
    never_set.wait(1)


def hang(hook: BlockingHook) -> None:
    hanging.wait(30)


async def be_slow_in_async_code(hook: BlockingHook) -> None:
    await asyncio.sleep(5)


def answer_nonsense(hook: BlockingHook) -> Any:
    return {"identity": {"traits": {}}}


def change_to_what_is_no_json(hook: BlockingHook) -> Changes:
    return change_traits({"name": object()})


def query_the_database(hook: BlockingHook) -> Refusal | None:
    from django.contrib.auth import get_user_model

    return refuse("Taken.") if get_user_model().objects.filter(email=hook.traits["email"]).exists() else None


not_a_function = 1
