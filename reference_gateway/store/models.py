"""Who may do what: users and their API keys, services, sessions, and what is remembered of them.

The serving edge asks these tables in SQL of its own; the models are for the commands, and for migrations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

if TYPE_CHECKING:
    from datetime import datetime

    When = models.DateTimeField[datetime, datetime]
    Perhaps = models.DateTimeField[datetime | None, datetime | None]

PLANS = [("free", "free"), ("pro", "pro"), ("enterprise", "enterprise")]
NAME_MAX_CHARS = 255
"""The longest subject of a token."""


class User(models.Model):
    """Somebody with an account; with a name and a password he can sign in."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=NAME_MAX_CHARS)
    plan: models.CharField[str, str] = models.CharField(max_length=16, choices=PLANS)
    username: models.CharField[str | None, str | None] = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - none is not a name, and unique
    password_hash: models.CharField[str | None, str | None] = models.CharField(max_length=255, null=True)  # noqa: DJ001 - none is no hash
    created_at: When = models.DateTimeField()
    revoked_at: Perhaps = models.DateTimeField(null=True)

    class Meta:
        """A plan that the limiter does not know must not come from here."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(plan__in=[name for name, _ in PLANS]), name="store_user_plan_known"
            )
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"


class ApiKey(models.Model):
    """A key of a user: `gk_{id}_{secret}`, on the plan of its user. The secret is nowhere; `hash` is its SHA-256."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=16)
    user: models.ForeignKey[User, User] = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name: models.CharField[str, str] = models.CharField(max_length=100, default="")
    hash: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=32)
    created_at: When = models.DateTimeField()
    revoked_at: Perhaps = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"key {self.pk}"


class Service(models.Model):
    """A program that asks for tokens with a secret, of which `hash` is the SHA-256."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=64)
    hash: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=32)
    scopes: models.CharField[str, str] = models.CharField(max_length=1000)
    created_at: When = models.DateTimeField()
    revoked_at: Perhaps = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"service {self.pk}"


class Session(models.Model):
    """What a login began."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=32)
    user: models.ForeignKey[User, User] = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at: When = models.DateTimeField()
    expires_at: When = models.DateTimeField(db_index=True)
    ended_at: Perhaps = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"session {self.pk}"


class RefreshToken(models.Model):
    """One link of a session's chain: issued and used by one operation each."""

    hash: models.BinaryField[bytes, bytes] = models.BinaryField(primary_key=True, max_length=32)
    session: models.ForeignKey[Session, Session] = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="refresh_tokens"
    )
    issued_at: When = models.DateTimeField()
    issued_by: models.CharField[str, str] = models.CharField(max_length=32)
    used_at: Perhaps = models.DateTimeField(null=True)
    used_by: models.CharField[str | None, str | None] = models.CharField(max_length=32, null=True)  # noqa: DJ001 - none is no operation

    def __str__(self) -> str:
        return f"a refresh token of {self.session}"


class Revocation(models.Model):
    """A user, service or session whose tokens are not in force; every instance follows this table."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    kind: models.CharField[str, str] = models.CharField(max_length=16)
    name: models.CharField[str, str] = models.CharField(max_length=NAME_MAX_CHARS)
    in_force: models.BooleanField[bool, bool] = models.BooleanField()
    changed_at: When = models.DateTimeField(db_index=True)
    expires_at: Perhaps = models.DateTimeField(null=True, db_index=True)

    class Meta:
        """One row for each."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "name"], name="store_revocation_once")
        ]

    def __str__(self) -> str:
        return f"revocation of {self.kind} {self.name}"


class Attempt(models.Model):
    """Tries to sign in, by the hash of a name or an address."""

    subject: models.BinaryField[bytes, bytes] = models.BinaryField(primary_key=True, max_length=32)
    tries: models.IntegerField[int, int] = models.IntegerField()
    last_at: When = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.tries} tries"


class Operation(models.Model):
    """One use of an `Idempotency-Key`, by the hash of who used it where."""

    id: models.BinaryField[bytes, bytes] = models.BinaryField(primary_key=True, max_length=32)
    operation: models.CharField[str, str] = models.CharField(max_length=32)
    fingerprint: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=32)
    running_until_ms: models.BigIntegerField[int, int] = models.BigIntegerField()
    forget_ms: models.BigIntegerField[int, int] = models.BigIntegerField(db_index=True)
    status: models.IntegerField[int | None, int | None] = models.IntegerField(null=True)
    headers: models.TextField[str | None, str | None] = models.TextField(null=True)  # noqa: DJ001 - none is no answer yet
    body: models.BinaryField[bytes | None, bytes | None] = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"operation {self.operation}"
