"""Identities at Ory, from Python."""
