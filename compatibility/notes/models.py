"""What people of the project write."""

from django.conf import settings
from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text


for package in settings.PACKAGES:
    if package.register:
        package.register(Note)
