"""The stores of one lane behind a fault proxy of its own: the gateway goes through it, the judge goes straight.

A cluster's nodes announce the proxy's ports, so that whoever follows their word to another node goes through it too.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from gatespec.stack.fault_proxy import FaultProxy
from gatespec.stack.postgres import ANSWER_S
from gatespec.stack.redis import pings
from gatespec.stack.redis_cluster import cluster_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.proxy.client import Line
    from gatespec.stack.redis_cluster import RedisCluster
    from gatespec.stack.servers import Servers, Stores


@dataclass(frozen=True)
class RedisLine:
    """What can be broken on the way to one server of the lane's Redis."""

    line: Line
    url: str = field(repr=False)
    """That server alone, through the proxy."""

    def answers(self) -> bool:
        """Whether it does, seen from where its clients are."""
        return pings(self.url)


@dataclass(frozen=True)
class PostgresLine:
    """What can be broken on the way to the lane's database."""

    line: Line
    url: str = field(repr=False)

    def answers(self) -> bool:
        """Whether it does, seen from where its clients are."""
        with suppress(psycopg.Error), psycopg.connect(self.url, connect_timeout=ANSWER_S):
            return True
        return False


@dataclass(frozen=True)
class FaultLines:
    """What can be broken on the way to each store."""

    proxy: FaultProxy
    redis: tuple[RedisLine, ...]
    """One for each node of a cluster, else one."""
    postgres: PostgresLine
    vault: Line
    stores: Stores
    """The lane's stores at the addresses that its gateway is given."""


@contextmanager
def fault_lines(servers: Servers, stores: Stores) -> Iterator[FaultLines]:
    """Run a proxy in front of these stores."""
    proxy = FaultProxy(servers.nursery, f"proxy-{stores.number}")
    try:
        proxy.start()
        proxy.ready()
        redis = _cluster(proxy, stores.cluster) if stores.cluster else _single(proxy, servers, stores)
        line = proxy.line("postgres", servers.postgres.address)
        postgres = PostgresLine(line, _through(stores.postgres_url, line.address))
        vault = proxy.line("vault", stores.vault.server.address)
        detour = replace(
            stores,
            redis_url=cluster_url(each.line.address for each in redis) if stores.cluster else redis[0].url,
            postgres_url=postgres.url,
            vault=replace(stores.vault, address=f"http://{vault.address}"),
        )
        yield FaultLines(proxy, redis, postgres, vault, detour)
    finally:
        proxy.stop()


def _single(proxy: FaultProxy, servers: Servers, stores: Stores) -> tuple[RedisLine, ...]:
    line = proxy.line("redis", servers.redis.address)
    return (RedisLine(line, _through(stores.redis_url, line.address)),)


def _cluster(proxy: FaultProxy, cluster: RedisCluster) -> tuple[RedisLine, ...]:
    lines = [proxy.line(node.name, node.address) for node in cluster.nodes]
    cluster.announce([line.port for line in lines])
    cluster.ready()
    return tuple(RedisLine(line, f"redis://{line.address}") for line in lines)


def _through(url: str, address: str) -> str:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}@{address}").geturl()
