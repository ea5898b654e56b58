"""Real Redis, PostgreSQL and Vault for every test that asks; each worker of xdist has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.stack.finder import chosen, find_postgres, find_redis
from gatespec.stack.nursery import Nursery
from gatespec.stack.postgres import PostgresServer
from gatespec.stack.redis import RedisServer
from gatespec.stack.redis_cluster import RedisCluster
from tests.servers import running_vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.vault import VaultServer

CLEAN_DATABASE = 1
"""The logical database of `clean_redis_url`, apart from the session's own."""


@pytest.fixture(scope="session")
def stack_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery("tests", tmp_path_factory.mktemp("stack")) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def redis_server(stack_nursery: Nursery) -> RedisServer:
    """The session's server itself, for tests that pause or kill it: they bring it back before they end."""
    server = RedisServer(stack_nursery, chosen(find_redis()))
    server.start()
    server.ready()
    return server


@pytest.fixture(scope="session")
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url()


@pytest.fixture
def clean_redis_url(redis_server: RedisServer) -> str:
    """A logical database that is empty when the test begins."""
    redis_server.empty(CLEAN_DATABASE)
    return redis_server.url(CLEAN_DATABASE)


@pytest.fixture(scope="session")
def redis_cluster(stack_nursery: Nursery) -> RedisCluster:
    """The session's cluster itself, for tests that pause or kill a node: they bring it back before they end."""
    cluster = RedisCluster(stack_nursery, chosen(find_redis()))
    cluster.start()
    cluster.ready()
    return cluster


@pytest.fixture(scope="session")
def redis_cluster_url(redis_cluster: RedisCluster) -> str:
    return redis_cluster.url


@pytest.fixture
def clean_redis_cluster_url(redis_cluster: RedisCluster) -> str:
    """A cluster that is empty when the test begins."""
    redis_cluster.empty()
    return redis_cluster.url


@pytest.fixture(scope="session")
def postgres_server(stack_nursery: Nursery) -> PostgresServer:
    server = PostgresServer(stack_nursery, chosen(find_postgres()))
    server.start()
    server.ready()
    return server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """A database that was empty when the session began."""
    return postgres_server.create_database("tests")


@pytest.fixture(scope="session")
def vault_server(stack_nursery: Nursery) -> Iterator[VaultServer]:
    """The session's server itself, for tests that seal or kill it: they bring it back before they end."""
    with running_vault(stack_nursery, "vault") as server:
        yield server
