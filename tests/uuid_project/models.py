"""A user model of a project's own."""

import uuid
from typing import ClassVar, cast

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Length


class PersonManager(BaseUserManager["Person"]):
    """Like many a project's own, it does not show everyone, and says more of each than the model's fields."""

    def get_queryset(self) -> models.QuerySet["Person"]:
        shown = super().get_queryset().exclude(first_name="Hidden")
        return cast("models.QuerySet[Person]", shown.annotate(letters=Length("first_name")))

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "Person":
        person = self.model(email=email, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
