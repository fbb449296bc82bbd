"""Sign people in to a Django project with Ory: Ory Network, or Ory Kratos that you run yourself."""

__version__ = "0.1.0"
