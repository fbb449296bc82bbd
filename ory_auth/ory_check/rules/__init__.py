"""Pure functions that turn facts into findings."""
