"""A second project: users keyed by UUID, whose name is their unique e-mail."""

from tests.project.settings import *  # noqa: F403
from tests.project.settings import INSTALLED_APPS

INSTALLED_APPS = ["tests.uuid_project", *INSTALLED_APPS]
AUTH_USER_MODEL = "uuid_project.Person"
