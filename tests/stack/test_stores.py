"""Redis, Redis Cluster and PostgreSQL as real processes: what they keep, what they hide, how they come and go."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster as ClusterClient
from redis.retry import Retry

if TYPE_CHECKING:
    from gatespec.stack.postgres import PostgresServer
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.redis_cluster import RedisCluster

AT_ONCE_S = 0.3
"""A server on this machine that does not answer by then is paused."""


def test_redis_wants_its_password_and_shows_it_to_nobody(redis_server: RedisServer) -> None:
    with redis.Redis(port=redis_server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    password = redis_server.url().split("@")[0].removeprefix("redis://:")
    assert len(password) >= 24
    assert redis_server.child
    assert password not in " ".join(psutil.Process(redis_server.pid).cmdline())
    assert password not in repr(redis_server.child.command)
    assert password not in repr(redis_server.described())


def test_redis_listens_on_the_loopback_address_alone(redis_server: RedisServer) -> None:
    assert {c.laddr.ip for c in psutil.Process(redis_server.pid).net_connections() if c.status == "LISTEN"} == {
        "127.0.0.1"
    }


def test_each_logical_database_is_emptied_apart(redis_server: RedisServer, clean_redis_url: str) -> None:
    other = redis_server.url(2)
    for url in (clean_redis_url, other):
        with redis.Redis.from_url(url) as client:
            assert client.dbsize() == 0
            client.set("window:user:ada", 1)
    redis_server.empty(2)
    with redis.Redis.from_url(clean_redis_url) as mine, redis.Redis.from_url(other) as theirs:
        assert mine.dbsize() == 1
        assert theirs.dbsize() == 0


def test_a_paused_redis_hangs_and_then_goes_on(redis_server: RedisServer, clean_redis_url: str) -> None:
    patience = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(clean_redis_url, socket_timeout=AT_ONCE_S, retry=patience) as client:
        assert client.ping()
        redis_server.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        redis_server.resume()
        redis_server.ready()
        assert client.ping()


def test_a_killed_redis_comes_back_empty_where_it_was(redis_server: RedisServer, clean_redis_url: str) -> None:
    with redis.Redis.from_url(clean_redis_url) as client:
        client.set("window:user:ada", 1)
    redis_server.kill()
    assert not redis_server.alive
    redis_server.start()
    redis_server.ready()
    with redis.Redis.from_url(clean_redis_url) as client:
        assert client.dbsize() == 0


def test_a_cluster_serves_every_slot_through_three_masters(redis_cluster: RedisCluster) -> None:
    nodes = redis_cluster.url.removeprefix("redis+cluster://").split(",")
    assert [node.address for node in redis_cluster.nodes] == nodes
    host, port = nodes[0].split(":")
    with ClusterClient(host=host, port=int(port)) as client:
        keys = [f"{{{number}}}" for number in range(60)]
        assert all(client.set(key, key) for key in keys)
        assert {client.get_node_from_key(key).port for key in keys} == {node.port for node in redis_cluster.nodes}
        assert client.get_primaries() == client.get_nodes()
    redis_cluster.empty()
    with ClusterClient(host=host, port=int(port)) as client:
        assert client.dbsize() == 0


def test_a_killed_node_comes_back_into_its_cluster(redis_cluster: RedisCluster) -> None:
    node = redis_cluster.nodes[1]
    address = node.address
    node.kill()
    node.start()
    redis_cluster.ready()
    assert node.address == address
    with ClusterClient(host="127.0.0.1", port=node.port) as client:
        assert all(client.set(f"{{{number}}}", 1) for number in range(60))


def test_postgres_admits_its_owner_alone(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.url()) as connection:
        row = connection.execute("select current_user, inet_server_addr()::text").fetchone()
    assert row == ("gatespec", "127.0.0.1/32")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres_server.url().replace("gatespec:", "gatespec:x"))
    password = postgres_server.url().split("@")[0].removeprefix("postgresql://gatespec:")
    assert password not in " ".join(psutil.Process(postgres_server.pid).cmdline())


def test_postgres_never_runs_as_root(postgres_server: PostgresServer) -> None:
    ourselves = psutil.Process().username()
    assert psutil.Process(postgres_server.pid).username() == ("nobody" if os.geteuid() == 0 else ourselves)


def test_a_committed_row_outlives_a_kill(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("create table users (name text)")
        connection.execute("insert into users values ('ada')")
    postgres_server.kill()
    postgres_server.start()
    postgres_server.ready()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select name from users").fetchall() == [("ada",)]
        connection.execute("drop table users")


def test_a_paused_postgres_hangs_also_on_connections_it_has(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("select 1")
        postgres_server.pause()
        states = {p.status() for p in psutil.Process(postgres_server.pid).children()}
        postgres_server.resume()
        assert states == {psutil.STATUS_STOPPED}
        assert connection.execute("select 2").fetchone() == (2,)


def test_a_dropped_database_ends_its_connections(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("short_lived")
    with psycopg.connect(url) as connection:
        postgres_server.drop_database("short_lived")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
