"""PostgreSQL as the edge uses it: short transactions, bounded in time, and known to be away while it is."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from reference_gateway.edge import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    Row = tuple[Any, ...]
    Connection = psycopg.AsyncConnection[Row]

LOOKUP_S = 1.0
"""The longest that a request waits for one question or transaction."""
CHECK_S = 0.5
"""The longest that it waits for a connection to show that it stands: one that was idle may lead to nobody any more."""
AWAY_S = 0.5
"""After a failure nobody asks for so long: a database that hangs costs one look-up's bound, not everybody's."""
RETRY_S = 1
"""When a client that met no database may come back."""
CONNECTIONS_MAX = 4
WAITING_MAX = 200
"""Look-ups in line for a connection; more would not be served within their bound."""

_FAILURES = (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, OSError, TimeoutError)


class DatabaseAway(Exception):  # noqa: N818 - it is a state of the world
    """PostgreSQL gave no answer within the bound; what was asked of it may have happened."""


class Database:
    """A pool of connections, and what is known of the server behind it."""

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
            check=_check,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting in the background: offers are served without PostgreSQL too."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Give back every connection."""
        await self._pool.close(timeout=1)

    async def one(self, query: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row; raises `DatabaseAway`."""
        async with self.connected() as connection:
            return await (await connection.execute(query, values)).fetchone()

    async def all(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return every row; raises `DatabaseAway`."""
        async with self.connected() as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def change(self, query: str, values: Sequence[object] = ()) -> int:
        """Return how many rows were changed; raises `DatabaseAway`."""
        async with self.connected() as connection:
            return (await connection.execute(query, values)).rowcount

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection whose changes are made together or not at all; raises `DatabaseAway`."""
        async with self.connected() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """Lend a connection for at most `LOOKUP_S`; raises `DatabaseAway`."""
        if clock.monotonic_ns() < self._away_until_ns:
            raise DatabaseAway
        due_s = asyncio.get_running_loop().time() + LOOKUP_S
        try:
            # The pool itself gives up in time; it is interrupted only where it has not by the end of its last check.
            async with asyncio.timeout_at(due_s + CHECK_S), self._pool.connection() as connection:
                with _cut_at(due_s, connection):
                    yield connection
        except _FAILURES as error:
            self._away_until_ns = clock.monotonic_ns() + int(AWAY_S * 1e9)
            raise DatabaseAway from error

    async def answers(self) -> bool:
        """Whether PostgreSQL answers now."""
        try:
            return await self.one("SELECT 1") is not None
        except DatabaseAway:
            return False


async def _check(connection: Connection) -> None:
    with _cut_at(asyncio.get_running_loop().time() + CHECK_S, connection):
        await AsyncConnectionPool.check_connection(connection)


@contextmanager
def _cut_at(due_s: float, connection: Connection) -> Iterator[None]:
    """Cut the line of a connection that is still waited for then.

    Not by cancelling: psycopg would ask the server to stop, and wait up to 10 s for a server that says nothing.
    """
    cut = asyncio.get_running_loop().call_at(due_s, _cut, connection)
    try:
        yield
    finally:
        cut.cancel()


def _cut(connection: Connection) -> None:
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
