"""Cached sessions: in the process, in the cache that processes share, and the revocations that override both."""
