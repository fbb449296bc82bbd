"""The site of the trials with the views and the middleware stacks of `trials.bench`.

``LOAD_STACK`` names the stack. ``LOAD_POOL=1`` gives PostgreSQL a pool of connections: under ASGI every request has a
thread of its own, so that connections which a thread keeps would be opened anew for each.
"""

import os

from stress.site.settings import *  # noqa: F403
from stress.site.settings import DATABASES
from trials.bench.project import STACKS

ROOT_URLCONF = "trials.load.urls"
MIDDLEWARE = STACKS[os.environ.get("LOAD_STACK", "bare")]
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
if os.environ.get("LOAD_POOL"):
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 4, "max_size": 16}}
