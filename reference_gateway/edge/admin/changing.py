"""Changes of the tables by a command: all or nothing, and a sentence where there is nothing."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, models, transaction
from django.db.models.functions import Now

from reference_gateway.edge import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN_MAX = timedelta(days=1)
"""No access token lives longer: the setting's maximum."""

Row = TypeVar("Row", bound=models.Model)


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


@contextmanager
def changing(what: str) -> Iterator[None]:
    """Change all or nothing; raises `AccountsFailed`."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        taken = isinstance(error, IntegrityError)
        hint = "there is one of this name" if taken else "is PostgreSQL at GATEWAY_DATABASE_URL, and migrated?"
        raise AccountsFailed(f"cannot {what}: {type(error).__name__}; {hint}") from None


def held(model: type[Row], key: str) -> Row:
    """Return the row of this key, which nobody else changes meanwhile; raises `AccountsFailed`."""
    found = model._default_manager.select_for_update().filter(pk=key).first()  # noqa: SLF001 - Django's own way to name it
    if found is None:
        raise AccountsFailed(f"there is no {model.__name__.lower()} {key}")
    return found


def note(kind: str, name: str, *, in_force: bool, for_good: bool = True) -> None:
    """Have every instance learn of a revocation, or that it was lifted: stamped by the clock that all of them ask."""
    from reference_gateway.store.models import Revocation  # noqa: PLC0415 - Django must be configured first

    expires_at = None if for_good else Now() + TOKEN_MAX
    said = {"in_force": in_force, "changed_at": Now(), "expires_at": expires_at}
    Revocation.objects.update_or_create(kind=kind, name=name, defaults=said)


def now() -> datetime:
    """As rows are stamped by commands."""
    return datetime.fromtimestamp(clock.epoch_s(), UTC)
