"""From a credential to a session: one lookup at a time, caches, rate limits and the circuit breaker.

Nothing here knows about users.
"""
