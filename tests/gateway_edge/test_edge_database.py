"""The edge's database on a line that fails: a server that says nothing any more costs a look-up's bound, not more."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from gatespec.proxy.faults import Fault
from gatespec.stack.fault_proxy import FaultProxy
from reference_gateway.edge.database import AWAY_S, CONNECTIONS_MAX, Database, DatabaseAway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gatespec.proxy.client import Line
    from gatespec.stack.nursery import Nursery
    from gatespec.stack.postgres import PostgresServer

FAR_TOO_LONG_S = 6.0
"""Four times the bound, and far less than psycopg waits for a server to confirm a cancellation."""


@pytest.fixture
def line(stack_nursery: Nursery, postgres_server: PostgresServer) -> Iterator[Line]:
    proxy = FaultProxy(stack_nursery, "edge-database-proxy")
    proxy.start()
    proxy.ready()
    yield proxy.line("postgres", postgres_server.address)
    proxy.stop()


async def found(database: Database) -> None:
    while not await database.answers():  # noqa: ASYNC110 - nobody tells when it is back
        await asyncio.sleep(AWAY_S)


async def asked_twice(database: Database, line: Line) -> None:
    """The server falls silent in between."""
    async with database.transaction() as connection:
        await connection.execute("SELECT 1")
        await asyncio.to_thread(line.impose, Fault("blackhole"))
        await connection.execute("SELECT 2")


@asynccontextmanager
async def opened(line: Line, server: PostgresServer, url: str) -> AsyncIterator[Database]:
    database = Database(url.replace(server.address, line.address))
    await database.open()
    try:
        await found(database)
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("fault", ["blackhole", "cut"])
async def test_a_database_that_is_lost_is_away_within_the_bound_and_found_again(
    line: Line, postgres_server: PostgresServer, postgres_url: str, fault: str
) -> None:
    async with opened(line, postgres_server, postgres_url) as database:
        await asyncio.to_thread(line.impose, Fault("blackhole" if fault == "blackhole" else "cut"))
        async with asyncio.timeout(FAR_TOO_LONG_S):
            asked = [database.one("SELECT 1") for _ in range(CONNECTIONS_MAX + 1)]
            told = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(each, DatabaseAway) for each in told)
        await asyncio.to_thread(line.heal)
        await found(database)


async def test_a_statement_under_way_is_cut_where_the_server_falls_silent(
    line: Line, postgres_server: PostgresServer, postgres_url: str
) -> None:
    async with opened(line, postgres_server, postgres_url) as database:
        with pytest.raises(DatabaseAway):
            await asyncio.wait_for(asked_twice(database, line), FAR_TOO_LONG_S)
