"""A fault proxy in front of the session's Redis and PostgreSQL; each test has lines of its own."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gatespec.stack.fault_proxy import FaultProxy
from gatespec.stack.nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatespec.proxy.client import Line
    from gatespec.stack.postgres import PostgresServer
    from gatespec.stack.redis import RedisServer

_numbers = itertools.count(1)
PATIENCE_S = 10.0


@pytest.fixture(scope="session")
def proxy(stack_nursery: Nursery) -> Iterator[FaultProxy]:
    proxy = FaultProxy(stack_nursery, "proxy-under-test")
    proxy.start()
    proxy.ready()
    yield proxy
    proxy.stop()


@pytest.fixture
def redis_line(proxy: FaultProxy, redis_server: RedisServer) -> Iterator[Line]:
    line = proxy.line(f"redis-{next(_numbers)}", redis_server.address)
    yield line
    line.heal()


@pytest.fixture
def postgres_line(proxy: FaultProxy, postgres_server: PostgresServer) -> Iterator[Line]:
    line = proxy.line(f"postgres-{next(_numbers)}", postgres_server.address)
    yield line
    line.heal()


def client(line: Line, url: str, patience_s: float = PATIENCE_S) -> redis.Redis:
    """A client through the line that tries nothing twice."""
    detour = urlsplit(url)._replace(netloc=f":{urlsplit(url).password}@{line.address}").geturl()
    return redis.Redis.from_url(
        detour, socket_timeout=patience_s, socket_connect_timeout=patience_s, retry=Retry(NoBackoff(), 0)
    )


@pytest.fixture
def through(redis_line: Line, redis_url: str) -> Iterator[redis.Redis]:
    """A client that has spoken through the line already."""
    with closing(client(redis_line, redis_url)) as speaks:
        assert speaks.ping()
        yield speaks


@pytest.fixture
def nursery_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
    monkeypatch.setenv("GATESPEC_STATE_DIR", str(tmp_path / "state"))
    with Nursery("tests", tmp_path / "logs") as nursery:
        yield nursery
