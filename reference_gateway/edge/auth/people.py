"""Who can sign in: users with passwords, and services with secrets."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reference_gateway.edge.database import Database

_USER = "SELECT id, plan, password_hash FROM store_user WHERE username = %s AND revoked_at IS NULL"
_REHASH = "UPDATE store_user SET password_hash = %s WHERE id = %s AND password_hash = %s"
_SERVICE = "SELECT hash, scopes FROM store_service WHERE id = %s AND revoked_at IS NULL"


class Person(NamedTuple):
    """A user who can sign in."""

    id: str
    plan: str
    password_hash: str | None


class Service(NamedTuple):
    """A service that can ask for tokens."""

    hash: bytes
    scopes: tuple[str, ...]


class People:
    """The tables of users and services. Everything raises `DatabaseAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user(self, username: str) -> Person | None:
        """Find who signs in by this name, unless it is nobody or he is revoked."""
        row = await self._database.one(_USER, (canonical(username),))
        return None if row is None else Person(*row)

    async def rehash(self, person: Person, password_hash: str) -> None:
        """Keep a hash of the same password, unless it was changed meanwhile."""
        await self._database.change(_REHASH, (password_hash, person.id, person.password_hash))

    async def service(self, service_id: str) -> Service | None:
        """Find a service that is not revoked."""
        row = await self._database.one(_SERVICE, (service_id,))
        return None if row is None else Service(bytes(row[0]), tuple(str(row[1]).split()))


def canonical(username: str) -> str:
    """Write a name as all its spellings are written. Source: RFC 8265 section 3.3 (UsernameCaseMapped), in spirit."""
    return unicodedata.normalize("NFKC", username).casefold()
