"""Helpers that several test modules share, and small projects that tests run as programs."""
