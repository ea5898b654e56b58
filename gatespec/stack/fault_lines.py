"""The stores of one lane behind a fault proxy of its own: the gateway goes through it, the judge goes straight."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gatespec.stack.fault_proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.proxy.client import Line
    from gatespec.stack.servers import Servers, Stores


@dataclass(frozen=True)
class FaultLines:
    """What can be broken on the way to each store."""

    proxy: FaultProxy
    redis: Line
    postgres: Line
    stores: Stores
    """The lane's stores at the addresses that its gateway is given."""


@contextmanager
def fault_lines(servers: Servers, stores: Stores) -> Iterator[FaultLines]:
    """Run a proxy in front of these stores."""
    proxy = FaultProxy(servers.nursery, f"proxy-{stores.number}")
    try:
        proxy.start()
        proxy.ready()
        redis = proxy.line("redis", servers.redis.address)
        postgres = proxy.line("postgres", servers.postgres.address)
        detour = replace(
            stores,
            redis_url=_through(stores.redis_url, redis.address),
            postgres_url=_through(stores.postgres_url, postgres.address),
        )
        yield FaultLines(proxy, redis, postgres, detour)
    finally:
        proxy.stop()


def _through(url: str, address: str) -> str:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}@{address}").geturl()
