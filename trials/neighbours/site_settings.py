"""Settings for `trials.neighbours.site`."""

from trials.site.settings import *  # noqa: F403

ROOT_URLCONF = "trials.neighbours.site"
