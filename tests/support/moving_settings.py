"""The settings of ``manage.py`` in tests of moving: the database and Ory are those of the test that starts it."""

import json
import os

from tests.project.settings import *  # noqa: F403

DATABASES = {"default": json.loads(os.environ["MOVING_DATABASE"])}
ORY_AUTH = json.loads(os.environ["MOVING_ORY_AUTH"])
