"""A module that raises an exception when it is imported."""

NOTHING = 1 / 0
