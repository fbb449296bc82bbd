"""Settings for `compatibility.site`."""

from stress.site.settings import *  # noqa: F403

ROOT_URLCONF = "compatibility.site"
