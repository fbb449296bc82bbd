"""Web hooks: Ory calls this site, and this site follows. What a project's ``BLOCKING_HOOK`` gets and returns."""

from .decisions import BlockingHook, Changes, Refusal, change_identity, change_traits, refuse

__all__ = ["BlockingHook", "Changes", "Refusal", "change_identity", "change_traits", "refuse"]
