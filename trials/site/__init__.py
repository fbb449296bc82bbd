"""The Django project that runs under the trials' servers; `SITE_…` environment variables steer its settings."""
