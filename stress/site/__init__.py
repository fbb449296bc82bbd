"""The Django project behind the servers of `stress`. Environment variables (``SITE_…``) control its settings."""
