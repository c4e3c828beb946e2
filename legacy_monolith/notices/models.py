"""What the shop tells its visitors: notices, and questions with answers."""

from django.db import models
from django.urls import reverse
from django.utils import timezone


class Notice(models.Model):
    title = models.CharField(max_length=160)
    body = models.TextField()
    pinned = models.BooleanField(default=False)
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pinned", "-published_at", "-id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("notice", args=[self.pk])


class Question(models.Model):
    category = models.SlugField()
    position = models.PositiveIntegerField(default=0)
    question = models.CharField(max_length=200)
    answer = models.TextField()

    class Meta:
        ordering = ["category", "position", "id"]

    def __str__(self) -> str:
        return self.question
