"""From GATEWAY_REDIS_URL to a store: which kind, which servers, how many connections, no retries of redis-py's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from reference_gateway.adapters.redis import upstream_script
from reference_gateway.adapters.redis.cluster import RedisClusterWindowStore
from reference_gateway.adapters.redis.l1 import RedisL1
from reference_gateway.adapters.redis.limiter import SlidingWindowRateLimiter
from reference_gateway.adapters.redis.nodes import Nodes
from reference_gateway.adapters.redis.notices import Notices
from reference_gateway.adapters.redis.route import IN_FLIGHT_MAX
from reference_gateway.adapters.redis.script_cluster import ScriptCluster
from reference_gateway.adapters.redis.script_server import OneServer, ScriptServer
from reference_gateway.adapters.redis.server import RedisServer
from reference_gateway.adapters.redis.snapshots import RedisSnapshots
from reference_gateway.adapters.redis.store import RedisWindowStore
from reference_gateway.adapters.redis.upstreams import RedisUpstreams
from reference_gateway.core.limiter import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reference_gateway.adapters.redis.cache_script import Terms
    from reference_gateway.adapters.redis.courier import Servers
    from reference_gateway.adapters.redis.health import Healths
    from reference_gateway.adapters.redis.notices import Hearer
    from reference_gateway.adapters.redis.words import Script
    from reference_gateway.core.upstream.ports import Rules

CONNECTIONS_MAX = 2 * IN_FLIGHT_MAX
"""To one server: each journey under way, a probe, and those just given up that still close."""
DEFAULT_PORT = 6379
LISTEN_S = 1.0
"""How long it may take to get a connection for listening."""
CLUSTER_RETRIES = 3
"""Of one command on a cluster that moves: to find the cluster anew, and once more."""

SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")


def open_limiter(url: str, healths: Healths) -> SlidingWindowRateLimiter:
    """Make the limiter over the store at `url`; connects with the first ask. Raises ValueError for a bad URL."""
    budget = healths.budget
    store = connect(url, budget_us=budget.budget_us, now_us=budget.now_us, moved=healths.moved)
    return SlidingWindowRateLimiter(store, healths)


def open_cache(url: str, terms: Terms, healths: Healths, token: Callable[[], str]) -> RedisL1:
    """Make the shared tier at `url`, which `connect` has accepted; connects with the first word."""
    return RedisL1(_servers(url, terms.script, healths), terms, healths, token)


def open_upstreams(url: str, rules: Mapping[str, Rules], healths: Healths) -> RedisUpstreams:
    """Make what all instances share of providers at `url`, which `connect` has accepted; `rules` by their names."""
    return RedisUpstreams(_servers(url, upstream_script.SCRIPT, healths), rules, healths)


def _servers(url: str, script: Script, healths: Healths) -> Servers:
    parts, budget = urlsplit(url), healths.budget
    names = _names(parts)

    def opened(name: str) -> ScriptServer:
        client = _client(name, parts, budget.budget_us)
        return ScriptServer(name, client, script, budget_us=budget.budget_us, now_us=budget.now_us)

    if parts.scheme.endswith("+cluster"):
        return ScriptCluster(Nodes(names, opened))
    return OneServer(names[0], opened(names[0]))


def open_notices(url: str, hearer: Hearer) -> Notices:
    """Make the line on which the cache's changes are told, at `url`; `start` lays it."""
    parts = urlsplit(url)
    opens = [partial(_client, name, parts, round(LISTEN_S * MICROSECONDS)) for name in _names(parts)]
    return Notices(opens, channel_of(url), hearer)


def channel_of(url: str) -> str:
    """Name the channel of a database: Redis tells a channel's listeners of all databases the same."""
    return f"cache:{_database(urlsplit(url))}"


def connect(
    url: str, *, budget_us: int, now_us: Callable[[], int], moved: Callable[[str], None] = lambda _: None
) -> RedisWindowStore | RedisClusterWindowStore:
    """Make a store of `redis://host:port/db` or `redis+cluster://host:port,host:port`; `rediss` is with TLS.

    User and password stand before an @, percent-encoded. `moved` is told of servers whose slots changed. Raises
    ValueError, whose text never holds the URL: a password may be in it.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or parts.query or parts.fragment:
        raise ValueError(f"expected {SCHEMES[0]}://host:port/db or {SCHEMES[2]}://host:port,host:port")
    names = _names(parts)

    def opened(name: str) -> RedisServer:
        return RedisServer(name, _client(name, parts, budget_us), budget_us=budget_us, now_us=now_us)

    if parts.scheme.endswith("+cluster"):
        if parts.path.strip("/"):
            raise ValueError("a Redis Cluster has no databases: expected nothing after host:port")
        return RedisClusterWindowStore(Nodes(names, opened, moved))
    if len(names) != 1:
        raise ValueError(f"several servers make a cluster: expected {SCHEMES[2]}://host:port,host:port")
    return RedisWindowStore(names[0], opened(names[0]))


def open_snapshots(url: str, healths: Healths) -> RedisSnapshots:
    """Make the store of snapshots at `url`, which `connect` has accepted; connects with the first use."""
    parts = urlsplit(url)
    names, is_cluster = _names(parts), parts.scheme.endswith("+cluster")
    client = _cluster_client(names, parts) if is_cluster else _client(names[0], parts, healths.budget.budget_us)
    return RedisSnapshots(client, healths)


def _cluster_client(names: list[str], parts: SplitResult) -> RedisCluster:
    """Make redis-py's own: whoever asks for a snapshot can wait for a cluster that moves, up to the budget."""
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return RedisCluster(
        startup_nodes=[ClusterNode(*name.rsplit(":", 1)) for name in names],
        username=unquote(user) or None,
        password=unquote(password) or None,
        ssl=parts.scheme.startswith("rediss"),
        retry=Retry(NoBackoff(), CLUSTER_RETRIES),
        driver_info=None,
    )


def _names(parts: SplitResult) -> list[str]:
    """Split what follows the credentials into host:port of each server."""
    return [_name(host) for host in parts.netloc.rpartition("@")[2].split(",")]


def _name(host: str) -> str:
    one = urlsplit(f"//{host}")
    try:
        name, port = one.hostname, one.port or DEFAULT_PORT
    except ValueError:
        name, port = None, 0
    if not name:
        raise ValueError("expected host:port, with a port from 1 to 65535")
    return f"{name}:{port}"


def _client(name: str, parts: SplitResult, budget_us: int) -> Redis:
    host, _, port = name.rpartition(":")
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    pool = BlockingConnectionPool(
        max_connections=CONNECTIONS_MAX,
        timeout=budget_us / MICROSECONDS,
        connection_class=SSLConnection if parts.scheme.startswith("rediss") else Connection,
        host=host,
        port=int(port),
        db=_database(parts),
        username=unquote(user) or None,
        password=unquote(password) or None,
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,  # two more answers to wait for, within the budget of the first request
    )
    return Redis.from_pool(pool)


def _database(parts: SplitResult) -> int:
    number = parts.path.strip("/") or "0"
    if not number.isdecimal():
        raise ValueError("expected the number of a database after host:port/")
    return int(number)
