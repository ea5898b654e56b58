"""Who may do what: users and their API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

if TYPE_CHECKING:
    from datetime import datetime

PLANS = [("free", "free"), ("pro", "pro"), ("enterprise", "enterprise")]


class User(models.Model):
    """Somebody with an account."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=64)
    plan: models.CharField[str, str] = models.CharField(max_length=16, choices=PLANS)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    def __str__(self) -> str:
        return f"user {self.pk}"


class ApiKey(models.Model):
    """A key of a user: `gk_{id}_{secret}`. The secret itself is nowhere; `hash` is its SHA-256."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=16)
    user: models.ForeignKey[User, User] = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    plan: models.CharField[str, str] = models.CharField(max_length=16, choices=PLANS)
    hash: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=32)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    revoked_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)

    class Meta:
        """A plan that the limiter does not know must not come from here."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(plan__in=[name for name, _ in PLANS]), name="store_apikey_plan_known"
            )
        ]

    def __str__(self) -> str:
        return f"key {self.pk}"
