"""Who buys and writes in the shop."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    display_name = models.CharField(max_length=80, blank=True)
    avatar = models.FileField(upload_to="avatars/%Y/%m/", blank=True)

    @property
    def shown_name(self) -> str:
        """What other members see."""
        return self.display_name or self.username
