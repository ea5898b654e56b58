"""Where a secret may come to lie: each sink gives what it holds, piece by piece, as bytes."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import redis
import requests
from psycopg.sql import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

OVERLAP_BYTES = 4096
"""A file that is read on is read again from so far back: a secret may lie across the seam."""
LOOK_S = 5.0
SCAN_COUNT = 1000


class Piece(NamedTuple):
    """Something that a sink holds."""

    sink: str
    name: str
    data: bytes


class Files:
    """Logs and the like, which only grow: each look reads what is new."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._read_to: dict[Path, int] = {}

    def pieces(self, paths: Mapping[str, Path]) -> Iterator[Piece]:
        """Yield what was written since the last look, and a little before it."""
        for name, path in paths.items():
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(max(0, self._read_to.get(path, 0) - OVERLAP_BYTES))
                data = file.read()
                self._read_to[path] = file.tell()
                if data:
                    yield Piece(self._sink, name, data)


def metrics_of(urls: Sequence[str]) -> Iterator[Piece]:
    """Yield what each instance that answers shows to a scraper."""
    for url in urls:
        with suppress(requests.RequestException):
            yield Piece("metrics", url, requests.get(f"{url}/metrics", timeout=LOOK_S).content)


def redis_of(urls: Iterable[str]) -> Iterator[Piece]:
    """Yield every key of each server with all that lies under it. Raise `redis.RedisError` where one is away."""
    for url in urls:
        with closing(redis.Redis.from_url(url, socket_timeout=LOOK_S, single_connection_client=True)) as server:
            if server.info("cluster").get("cluster_enabled"):
                server.readonly()  # else a replica tells its keys, and sends whoever reads one to its master
            held = [_dumped(server, key) for key in server.scan_iter(count=SCAN_COUNT)]
        if held:
            yield Piece("redis", "all keys", b"\n".join(held))


def _dumped(server: Any, key: bytes) -> bytes:  # noqa: ANN401 - the client is untyped where types differ
    read: Mapping[bytes, Callable[[], list[Any]]] = {
        b"string": lambda: [server.get(key)],
        b"hash": lambda: [part for pair in server.hgetall(key).items() for part in pair],
        b"list": lambda: server.lrange(key, 0, -1),
        b"set": lambda: list(server.smembers(key)),
        b"zset": lambda: server.zrange(key, 0, -1),
        b"stream": lambda: [part for _, entry in server.xrange(key) for pair in entry.items() for part in pair],
    }
    kind = server.type(key)
    parts = read[kind]() if kind in read else []
    return b"\n".join([key, *(part for part in parts if part)])


def postgres_of(url: str) -> Iterator[Piece]:
    """Yield every table, its rows as text: what is binary shows in hex. Raise `psycopg.Error` where it is away."""
    with psycopg.connect(url, connect_timeout=int(LOOK_S), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(SQL("SELECT t::text FROM {} AS t").format(Identifier(schema, table)))
            yield Piece("postgresql", f"table {table}", "\n".join(row[0] for row in rows).encode())
