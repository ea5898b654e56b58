"""The commands on the gateway's own tables: migrate them, and make users with keys."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.core.management import call_command
from django.db import DatabaseError, transaction

from reference_gateway.edge import clock
from reference_gateway.edge.api_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS_MAX = 10_000
"""Of one command; each is a line on stdout."""


class AccountsFailed(Exception):  # noqa: N818 - it is the sentence on stderr
    """The tables could not be reached or changed."""


def migrate() -> None:
    """Bring the tables up to date; raises `AccountsFailed`."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        raise AccountsFailed(
            f"cannot migrate: {type(error).__name__}; is PostgreSQL at GATEWAY_DATABASE_URL?"
        ) from None


def create_users(plan: str, count: int) -> Iterator[str]:
    """Make users, each with one key, all or none; yield a JSON line for each. Raises `AccountsFailed`."""
    from reference_gateway.store.models import ApiKey, User  # noqa: PLC0415 - Django must be configured first

    created_at = datetime.fromtimestamp(clock.epoch_s(), UTC)
    users = [User(id=f"u_{secrets.token_hex(8)}", plan=plan, created_at=created_at) for _ in range(count)]
    keys = [new_key() for _ in users]
    try:
        with transaction.atomic():
            User.objects.bulk_create(users)
            ApiKey.objects.bulk_create(
                ApiKey(id=key.id, user=user, plan=plan, hash=key.digest, created_at=created_at)
                for user, key in zip(users, keys, strict=True)
            )
    except DatabaseError as error:
        hint = "is PostgreSQL at GATEWAY_DATABASE_URL, and migrated?"
        raise AccountsFailed(f"cannot create users: {type(error).__name__}; {hint}") from None
    for user, key in zip(users, keys, strict=True):
        yield json.dumps({"user_id": user.id, "plan": plan, "api_key": key.text})
