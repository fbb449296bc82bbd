"""A small Django site whose people sign in with Ory. ``python manage.py demo`` starts it."""
