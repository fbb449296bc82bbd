"""The Django project that runs under the servers of `stress`; `SITE_…` environment variables steer its settings."""
