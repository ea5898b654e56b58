"""API keys in PostgreSQL. A key's plan is its user's, and no key of a revoked user is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.edge.api_keys import StoredKey

if TYPE_CHECKING:
    from datetime import datetime

    from reference_gateway.edge.api_keys import NewKey
    from reference_gateway.edge.database import Database

KEYS_OF_USER_MAX: Final = 100
"""Keys in force; a user needs one for each of his programs."""

_FIND = """
SELECT k.hash, u.plan, k.user_id FROM store_apikey AS k JOIN store_user AS u ON u.id = k.user_id
WHERE k.id = %s AND k.revoked_at IS NULL AND u.revoked_at IS NULL
"""
_JOIN = """
INSERT INTO store_user (id, plan, created_at) VALUES (%s, %s, now()) ON CONFLICT (id) DO UPDATE SET id = excluded.id
RETURNING plan
"""
_COUNT = "SELECT count(*) FROM store_apikey WHERE user_id = %s AND revoked_at IS NULL AND id <> %s"
_ADD = """
INSERT INTO store_apikey (id, user_id, name, hash, created_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (id) DO UPDATE SET hash = excluded.hash
WHERE store_apikey.user_id = excluded.user_id AND store_apikey.revoked_at IS NULL
RETURNING created_at
"""
_LIST = """
SELECT id, name, created_at FROM store_apikey WHERE user_id = %s AND revoked_at IS NULL
ORDER BY created_at, id LIMIT %s
"""
_REVOKE = "UPDATE store_apikey SET revoked_at = now() WHERE id = %s AND user_id = %s AND revoked_at IS NULL"


class TooManyKeys(Exception):  # noqa: N818 - it is a state of the user's
    """The user has as many keys as he may."""


class KeyRow(NamedTuple):
    """What its owner may see of a key later."""

    id: str
    name: str
    created_at: datetime


class KeyTable:
    """The table of API keys. Everything raises `DatabaseAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key unless it is unknown or revoked."""
        row = await self._database.one(_FIND, (key_id,))
        return None if row is None else StoredKey(bytes(row[0]), str(row[1]), str(row[2]))

    async def add(self, user: str, plan: str, name: str, key: NewKey) -> tuple[KeyRow, str]:
        """Keep a key, and return it with its user's plan; raises `TooManyKeys`.

        A user who was proven by a token alone is written down with the plan that it said. A key of his with this id
        gets another secret: a creation that was cut short is made good by doing it again.
        """
        async with self._database.transaction() as connection:
            joined = await (await connection.execute(_JOIN, (user, plan))).fetchone()
            counted = await (await connection.execute(_COUNT, (user, key.id))).fetchone()
            if counted is None or joined is None or counted[0] >= KEYS_OF_USER_MAX:
                raise TooManyKeys
            added = await (await connection.execute(_ADD, (key.id, user, name, key.digest))).fetchone()
            if added is None:
                raise TooManyKeys
        return KeyRow(key.id, name, added[0]), str(joined[0])

    async def of(self, user: str) -> list[KeyRow]:
        """Return the user's keys in force, the oldest first."""
        return [KeyRow(*row) for row in await self._database.all(_LIST, (user, KEYS_OF_USER_MAX))]

    async def revoke(self, user: str, key_id: str) -> bool:
        """Revoke one of the user's keys; False where he has none of this id."""
        return bool(await self._database.change(_REVOKE, (key_id, user)))
