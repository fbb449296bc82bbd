"""The findings as text for a terminal, or as JSON."""
