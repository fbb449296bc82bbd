from django.apps import AppConfig


class UuidProjectConfig(AppConfig):
    name = "tests.uuid_project"
    label = "uuid_project"
