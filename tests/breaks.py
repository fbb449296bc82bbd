"""A module of a project with a mistake in it."""

NOTHING = 1 / 0
