"""Django's own session beside Ory's: whose sign-in is newer, and whose data a session holds."""
