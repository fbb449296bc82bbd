"""The settings of ``manage.py`` in tests of moving: those of the test that starts it, with its database and its Ory."""

import json
import os
from importlib import import_module

_project = import_module(os.environ.get("MOVING_PROJECT", "tests.project.settings"))
globals().update({name: value for name, value in vars(_project).items() if name.isupper()})
DATABASES = {"default": json.loads(os.environ["MOVING_DATABASE"])}
ORY_AUTH = json.loads(os.environ["MOVING_ORY_AUTH"])
