"""Two gateways on one Redis: what one fetched the other serves, one call for both, and Redis going away and coming."""

from __future__ import annotations

import json
import re
import socket
import threading
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from gatespec.clock import MonotonicClock, until
from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.redis import RedisServer
from tests.gateway_edge.conftest import HOUSE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.vault_api import VaultShare
    from tests.gateway_edge.edge_wire import Instance, Reply, Signing, Upstream

SOON_MS = 10_000
LAG_MS = 1_000
"""What a busy machine may add to an answer."""
PROVIDERS = 150
WAIT_S = 0.02

Pair = tuple["Instance", "Instance"]
_names = count(1)
pytestmark = pytest.mark.usefixtures("upstream")


@pytest.fixture(scope="session")
def many(shared_upstream: Upstream, vault_share: VaultShare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A providers file with so many that each test has some of its own; the house has a credential for each."""
    file = tmp_path_factory.mktemp("many") / "providers.toml"
    urls = {f"p{number}": f"{shared_upstream.url}/p{number}" for number in range(1, PROVIDERS + 1)}
    for name in urls:
        vault_share.put(f"providers/{name}", {"api_key": HOUSE_KEY})
    file.write_text(
        "\n".join(
            f'[[provider]]\nname = "{name}"\nadapter = "lambda"\nendpoint = [{{ url = "{url}" }}]'
            for name, url in urls.items()
        )
    )
    return file


@pytest.fixture(scope="session")
def broken(stack_nursery: Nursery) -> Iterator[RedisServer]:
    """A server of this file's own, to break; each test mends what it broke."""
    server = RedisServer(stack_nursery, chosen(find_redis()))
    server.start()
    server.ready()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def pair(start: Callable[..., Instance], broken: RedisServer, many: Path) -> Pair:
    """Two instances of one gateway; a busy machine's Redis never exceeds their budget by itself."""
    settings = {
        "GATEWAY_REDIS_URL": broken.url(),
        "GATEWAY_PROVIDERS_FILE": str(many),
        "GATEWAY_REDIS_BUDGET_S": "0.3",
        "GATEWAY_RATE_FREE": "1000000",
        "GATEWAY_RATE_ENTERPRISE": "1000000",
    }
    return start(**settings), start(**settings)


@pytest.fixture
def provider() -> str:
    """One that no other test reads."""
    return f"p{next(_names)}"


def tiers(reply: Reply) -> str:
    return re.sub(r"ttl=\d+", "ttl=n", reply.headers["cache-status"])


def prices(reply: Reply) -> set[float]:
    return {item["price_per_hour"] for item in reply.json["items"]}


def codes(reply: Reply) -> list[str]:
    return [warning["code"] for warning in reply.json["warnings"]]


def timed(ask: Callable[[], Reply]) -> tuple[Reply, int]:
    clock = MonotonicClock()
    began_ms = clock.now_ms()
    return ask(), clock.now_ms() - began_ms


def at_once(asks: list[Callable[[], Reply]]) -> list[Reply]:
    replies: list[Reply] = []
    threads = [threading.Thread(target=lambda ask=ask: replies.append(ask())) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def test_what_one_fetched_the_other_serves(pair: Pair, provider: str, upstream: Upstream) -> None:
    query, before = f"?provider={provider}", upstream.calls
    assert tiers(pair[0].offers(query)) == "l1; fwd=miss; stored, l2; fwd=miss; stored"
    assert tiers(pair[1].offers(query)) == "l1; hit; ttl=n, l2; fwd=miss; stored"
    assert tiers(pair[1].offers(query)) == tiers(pair[0].offers(query)) == "l2; hit; ttl=n"
    assert upstream.calls - before == 1


def test_readers_of_both_make_one_call(pair: Pair, provider: str, upstream: Upstream) -> None:
    upstream.says(delay_s=0.5)
    before = upstream.calls
    replies = at_once([lambda n=n: pair[n % 2].offers(f"?provider={provider}") for n in range(12)])  # type: ignore[misc] # a default is no parameter
    assert [(reply.status, reply.json["total"]) for reply in replies] == [(200, 1)] * 12
    assert upstream.calls - before == 1


def test_an_invalidation_is_seen_on_both_within_a_second(
    pair: Pair, provider: str, upstream: Upstream, signing: Signing
) -> None:
    query = f"?provider={provider}"
    for instance in pair:
        instance.offers(query)
        instance.offers(query)
    upstream.says(cents=88, held=True)
    body = json.dumps({"provider": provider}).encode()
    operator = signing.bearer(typ="service", scope="operate")
    told = pair[0].ask("/internal/v1/cache/invalidate", operator, "POST", body)
    assert (told.status, told.json) == (202, {"provider": provider, "instances": "all"})
    assert codes(pair[0].offers(query)) == ["stale"]
    assert until(lambda: codes(pair[1].offers(query)) == ["stale"], at_most_ms=1_000 + LAG_MS)
    reply, took_ms = timed(lambda: pair[1].offers(query))
    assert (prices(reply), took_ms < LAG_MS) == ({0.75}, True)
    upstream.says(cents=88)
    for instance in pair:
        assert until(partial(shows, instance, query, 0.88), at_most_ms=SOON_MS)


def shows(instance: Instance, query: str, price: float) -> bool:
    reply = instance.offers(query)
    return prices(reply) == {price} and codes(reply) == []


def test_a_redis_that_hangs_costs_a_request_its_budget_and_then_nothing(pair: Pair, broken: RedisServer) -> None:
    names = [f"p{next(_names)}" for _ in range(4)]
    broken.pause()
    try:
        first, took_ms = timed(lambda: pair[0].offers(f"?provider={names[0]}"))
        assert (first.status, tiers(first)) == (200, "l2; fwd=miss; stored")
        assert took_ms < 300 + LAG_MS
        took = [timed(lambda name=name: pair[0].offers(f"?provider={name}")) for name in names[1:]]  # type: ignore[misc] # as above
        assert {(reply.status, tiers(reply)) for reply, _ in took} == {(200, "l2; fwd=miss; stored")}
        assert min(ms for _, ms in took) < 300, "known to be away, it is not waited for"
        assert pair[0].ask("/health").json["dependencies"]["redis"] == "away"
    finally:
        broken.resume()
    assert until(lambda: found_back(pair), at_most_ms=2 * SOON_MS)


def found_back(pair: Pair) -> bool:
    """Whether something that one fetched is served by the other again."""
    name = f"p{next(_names)}"
    pair[0].offers(f"?provider={name}")
    return tiers(pair[1].offers(f"?provider={name}")) == "l1; hit; ttl=n, l2; fwd=miss; stored"


def test_without_redis_each_instance_fetches_once(pair: Pair, broken: RedisServer, upstream: Upstream) -> None:
    name = f"p{next(_names)}"
    broken.kill()
    try:
        upstream.says(delay_s=0.5)
        before = upstream.calls
        replies = at_once([lambda n=n: pair[n % 2].offers(f"?provider={name}") for n in range(10)])  # type: ignore[misc] # as above
        assert {reply.status for reply in replies} == {200}
        assert upstream.calls - before == 2
        upstream.says()
    finally:
        broken.start()
        broken.ready()
    assert until(lambda: found_back(pair), at_most_ms=2 * SOON_MS)


def test_a_read_over_many_providers_calls_all_at_once(pair: Pair, upstream: Upstream) -> None:
    names = [f"p{next(_names)}" for _ in range(60)]
    query = "?limit=100&" + "&".join(f"provider={name}" for name in names)
    upstream.says(held=True)
    before = upstream.calls
    replies: list[Reply] = []
    reader = threading.Thread(target=lambda: replies.append(pair[0].offers(query)))
    reader.start()
    assert until(lambda: upstream.calls - before == len(names), at_most_ms=3_500), "all begin before any is answered"
    upstream.says()
    reader.join()
    assert (replies[0].status, replies[0].json["total"]) == (200, len(names))


def test_whoever_is_slower_than_the_deadline_is_left_out_and_known_later(
    start: Callable[..., Instance], many: Path, upstream: Upstream
) -> None:
    instance = start(
        GATEWAY_PROVIDERS_FILE=str(many),
        GATEWAY_DEADLINE_S="2",
        GATEWAY_UPSTREAM_TIMEOUT_S="20",
        GATEWAY_LEASE_S="30",
        GATEWAY_RATE_FREE="1000000",
    )
    assert instance.offers("?provider=p1").status == 200
    upstream.says(held=True)
    before = upstream.calls
    reply, took_ms = timed(lambda: instance.offers("?provider=p1&provider=p2"))
    assert (reply.status, codes(reply), reply.json["total"]) == (200, ["timeout"], 1)
    assert took_ms < 2_000 + LAG_MS
    assert (nothing := instance.offers("?provider=p2")).status == 504
    assert nothing.json["code"] == "providers-timeout"
    upstream.says()
    assert until(lambda: instance.offers("?provider=p2").status == 200, at_most_ms=SOON_MS)
    assert upstream.calls - before == 1, "the call that was too late for its reader filled the cache"


def test_a_reader_who_leaves_takes_nobodys_list_along(pair: Pair, provider: str, upstream: Upstream) -> None:
    upstream.says(held=True)
    before = upstream.calls
    request = f"GET /api/v2/providers?provider={provider} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    leave(pair[0], request, lambda: upstream.calls > before)
    upstream.says()
    assert until(lambda: "hit" in tiers(pair[1].offers(f"?provider={provider}")), at_most_ms=SOON_MS)
    assert upstream.calls - before == 1


def leave(instance: Instance, request: bytes, when: Callable[[], bool]) -> None:
    with socket.create_connection(("127.0.0.1", instance.port)) as connection:
        connection.sendall(request)
        assert until(when, at_most_ms=SOON_MS)


def test_noise_in_the_query_does_not_grow_the_cache(pair: Pair, provider: str, upstream: Upstream) -> None:
    query, before = f"?provider={provider}", upstream.calls
    for number in range(50):
        assert pair[0].offers(f"{query}&max_price={100 + number}").status == 200
        assert pair[0].offers(f"{query}&noise={number}").status == 422
    assert upstream.calls - before == 1


def test_metrics_tell_who_fetched_and_from_where(pair: Pair, provider: str) -> None:
    counted = [
        (pair[0], 'gateway_cache_leases_total{outcome="led"}'),
        (pair[0], 'gateway_cache_refreshes_total{reason="missing"}'),
        (pair[0], 'gateway_cache_lookups_total{outcome="miss",tier="l1"}'),
        (pair[1], 'gateway_cache_lookups_total{outcome="hit",tier="l1"}'),
        (pair[1], 'gateway_cache_lookups_total{outcome="miss",tier="l2"}'),
    ]
    before = [instance.metric(line) for instance, line in counted]
    for instance in pair:
        instance.offers(f"?provider={provider}")
    assert [instance.metric(line) for instance, line in counted] == [value + 1 for value in before]


def test_a_cached_read_asks_redis_for_the_limit_only(pair: Pair, provider: str, broken: RedisServer) -> None:
    query = f"?provider={provider}"
    pair[0].offers(query)
    with Redis.from_url(broken.url()) as client:
        before = scripts_run(client)
        assert {tiers(pair[0].offers(query)) for _ in range(20)} == {"l2; hit; ttl=n"}
        assert scripts_run(client) - before == 20


def scripts_run(client: Redis) -> int:
    stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


def test_an_instance_that_ends_gives_its_leases_back(
    start: Callable[..., Instance], broken: RedisServer, many: Path, provider: str, upstream: Upstream
) -> None:
    settings = {
        "GATEWAY_REDIS_URL": broken.url(1),
        "GATEWAY_PROVIDERS_FILE": str(many),
        "GATEWAY_UPSTREAM_TIMEOUT_S": "60",
        "GATEWAY_LEASE_S": "60",
        "GATEWAY_DEADLINE_S": "1",
        "GATEWAY_RATE_FREE": "1000000",
    }
    ending, other = start(**settings), start(**settings)
    upstream.says(held=True)
    before = upstream.calls
    assert ending.offers(f"?provider={provider}").status == 504
    assert other.offers(f"?provider={provider}").status == 504
    assert upstream.calls - before == 1, "one leads, the other waits for it"
    assert ending.stop() == 0
    assert until(lambda: upstream.calls - before == 2, at_most_ms=SOON_MS), "not only when the lease has expired"
    upstream.says()
    assert until(lambda: other.offers(f"?provider={provider}").status == 200, at_most_ms=SOON_MS)


def test_readers_of_ready_bytes_refresh_early(start: Callable[..., Instance], many: Path, upstream: Upstream) -> None:
    """A call takes a third of the TTL: with a reader every 30 ms, less than 1 expiry in 10^9 comes before a refresh."""
    instance = start(GATEWAY_PROVIDERS_FILE=str(many), GATEWAY_TTL_PRICING_S="3", GATEWAY_RATE_FREE="1000000")
    upstream.says(delay_s=1.0)
    instance.offers("?provider=p1")
    early = 'gateway_cache_refreshes_total{reason="early"}'
    assert until(
        lambda: instance.offers("?provider=p1").status == 200 and instance.metric(early) > 0, at_most_ms=SOON_MS
    )
    assert instance.metric('gateway_cache_lookups_total{outcome="hit",tier="answer"}') > 0
