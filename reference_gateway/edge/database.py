"""PostgreSQL as the edge reads it: one indexed look-up, bounded in time, and known to be away while it is."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from reference_gateway.edge import clock
from reference_gateway.edge.api_keys import StoredKey

LOOKUP_S = 1.0
"""The longest that a request waits for the database."""
AWAY_S = 0.5
"""After a failure nobody asks for so long: a database that hangs costs one look-up's bound, not everybody's."""
CONNECTIONS_MAX = 4
WAITING_MAX = 200
"""Look-ups in line for a connection; more would not be served within their bound."""

_FIND = "SELECT hash, plan, user_id FROM store_apikey WHERE id = %s AND revoked_at IS NULL"
_FAILURES = (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, OSError, TimeoutError)


class DatabaseAway(Exception):  # noqa: N818 - it is a state of the world
    """PostgreSQL gave no answer within the bound."""


class KeyTable:
    """The table of API keys, in its pool of connections."""

    def __init__(self, url: str) -> None:
        self._away_until_ns = 0
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=CONNECTIONS_MAX,
            max_waiting=WAITING_MAX,
            timeout=LOOKUP_S,
            reconnect_timeout=5,
            kwargs={"autocommit": True, "connect_timeout": 2, "application_name": "reference_gateway"},
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting in the background: offers are served without PostgreSQL too."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Give back every connection."""
        await self._pool.close(timeout=1)

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key unless it is unknown or revoked; raises `DatabaseAway`."""
        row = await self._one(_FIND, (key_id,))
        return None if row is None else StoredKey(bytes(row[0]), str(row[1]), str(row[2]))

    async def answers(self) -> bool:
        """Whether PostgreSQL answers now."""
        try:
            return await self._one("SELECT 1", ()) is not None
        except DatabaseAway:
            return False

    async def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        if clock.monotonic_ns() < self._away_until_ns:
            raise DatabaseAway
        try:
            async with asyncio.timeout(LOOKUP_S), self._pool.connection() as connection:
                return await (await connection.execute(query, values)).fetchone()
        except _FAILURES as error:
            self._away_until_ns = clock.monotonic_ns() + int(AWAY_S * 1e9)
            raise DatabaseAway from error
