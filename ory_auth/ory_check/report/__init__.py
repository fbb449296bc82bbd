"""The findings as lines in a terminal, or as JSON."""
