"""Campaigns of trouble against real servers, each request with an oracle: ``python -m trials.chaos --help``."""
