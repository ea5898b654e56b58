"""A secret that is planted in a sink is found there, whatever holds it; an empty one is not taken for searched."""

from __future__ import annotations

import base64
import gzip
from contextlib import closing
from typing import TYPE_CHECKING, Any

import brotli  # type: ignore[import-untyped] # it has no stubs
import psycopg
import pytest
import redis

from gatespec.secrecy.answers import AnswerLog
from gatespec.secrecy.canaries import new_secret
from gatespec.stack.lane_secrets import LaneSecrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatespec.stack.postgres import PostgresServer
    from gatespec.stack.redis import RedisServer

DATABASE = 5


@pytest.fixture
def secret() -> str:
    return new_secret("gs-")


@pytest.fixture
def lane(tmp_path: Path, secret: str) -> Iterator[LaneSecrets]:
    answers = AnswerLog(tmp_path / "answers")
    lane = LaneSecrets(answers)
    lane.canaries.add("provider-credential", secret)
    yield lane
    answers.close()


def leaks(lane: LaneSecrets) -> list[tuple[str, str]]:
    return [(leak.sink, leak.found.encoding) for leak in lane.search().leaks]


PLANT_IN_REDIS: dict[str, Callable[[Any, str], object]] = {
    "string": lambda server, secret: server.set("k", secret),
    "hash": lambda server, secret: server.hset("k", "field", secret),
    "hash field": lambda server, secret: server.hset("k", secret, "value"),
    "list": lambda server, secret: server.rpush("k", "a", secret),
    "set": lambda server, secret: server.sadd("k", secret),
    "sorted set": lambda server, secret: server.zadd("k", {secret: 1}),
    "stream": lambda server, secret: server.xadd("k", {"field": secret}),
    "name": lambda server, secret: server.set(f"list:{secret}", 1),
    "compressed": lambda server, secret: server.set("k", gzip.compress(secret.encode())),
}


@pytest.mark.parametrize("how", PLANT_IN_REDIS)
def test_redis_is_searched_in_every_type(lane: LaneSecrets, redis_server: RedisServer, secret: str, how: str) -> None:
    lane.redis_urls = [redis_server.url(DATABASE)]
    with closing(redis.Redis.from_url(lane.redis_urls[0])) as server:
        server.flushdb()
        server.set("other", "nothing")
        assert leaks(lane) == []
        PLANT_IN_REDIS[how](server, secret)
        assert leaks(lane) == [("redis", "gzip" if how == "compressed" else "raw")]
        server.flushdb()


@pytest.mark.parametrize(
    ("kind", "value", "encoding"),
    [
        ("text", "to_jsonb({})::text", "raw"),
        ("jsonb", "jsonb_build_object('a', {})", "raw"),
        ("bytea", "convert_to({}, 'UTF8')", "hex"),
        ("text[]", "ARRAY['x', {}]", "raw"),
        ("text", "encode(convert_to({}, 'UTF8'), 'base64')", "base64"),
    ],
)
def test_postgresql_is_searched_in_every_table(  # noqa: PLR0913, PLR0917 - where, and how it is planted
    lane: LaneSecrets, postgres_server: PostgresServer, secret: str, kind: str, value: str, encoding: str
) -> None:
    lane.postgres_url = postgres_server.create_database(f"leaks_{secret[3:11]}")
    with psycopg.connect(lane.postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE held (id int, what {kind})".encode())
        connection.execute(b"INSERT INTO held VALUES (1, NULL)")
        assert leaks(lane) == []
        connection.execute(f"INSERT INTO held VALUES (2, {value.format('%s::text')})".encode(), (secret,))  # noqa: S608 - our own words
    found = leaks(lane)
    assert {sink for sink, _ in found} == {"postgresql"}
    assert any(encoding in each[1] for each in found)


def test_logs_are_read_on_and_a_secret_across_the_seam_is_found(lane: LaneSecrets, tmp_path: Path, secret: str) -> None:
    log = tmp_path / "gateway-1.log"
    lane.logs = lambda: {"gateway-1": log, "gateway-2": tmp_path / "not-begun"}
    log.write_text("begun\n" + secret[:20])
    assert leaks(lane) == []
    with log.open("a") as out:
        out.write(secret[20:] + "\n")
    assert leaks(lane) == [("logs", "raw")]
    assert leaks(lane) == []  # told already


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-debug": "{}"}, b""),
        ({"content-type": "application/json"}, b'{"a": "{}"}'),
        ({"set-cookie": "a={}"}, b"x"),
    ],
)
def test_answers_are_searched_in_headers_and_body(
    lane: LaneSecrets, secret: str, headers: dict[str, str], body: bytes
) -> None:
    lane.answers.heard({"content-type": "text/plain"}, b"well")
    assert leaks(lane) == []
    filled = {name: value.replace("{}", secret) for name, value in headers.items()}
    lane.answers.heard(filled, body.replace(b"{}", secret.encode()))
    assert leaks(lane) == [("answers", "raw")]


def test_answers_in_brotli_are_opened(lane: LaneSecrets, secret: str) -> None:
    lane.answers.heard({"content-encoding": "br"}, brotli.compress(base64.b64encode(secret.encode())))
    assert leaks(lane) == [("answers", "base64")]


def test_what_held_nothing_was_not_searched(lane: LaneSecrets) -> None:
    assert +lane.search().sizes == {}
    lane.answers.heard({}, b"x")
    assert set(lane.search().sizes) == {"answers"}


def test_the_file_of_answers_is_nobody_elses_and_goes(tmp_path: Path) -> None:
    answers = AnswerLog(tmp_path / "held")
    assert (tmp_path / "held").stat().st_mode & 0o077 == 0
    answers.close()
    assert not (tmp_path / "held").exists()
