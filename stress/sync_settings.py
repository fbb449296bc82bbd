"""The project whose users ``stress.sync_speed`` synchronizes."""

from __future__ import annotations

import os

from tests.project.settings import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["SYNC_PORT"],
        "USER": "site",
        "NAME": "synchronized",
    }
}
ORY_AUTH = {"SDK_URL": os.environ["ORY_TEST_PUBLIC_URL"], "ADMIN_URL": os.environ["ORY_TEST_ADMIN_URL"]}
