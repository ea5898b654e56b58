"""Redis goes away, and comes back: the limit holds per instance, nobody waits, and the switch lets no crowd through."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis import Redis

from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.redis import RedisServer
from reference_gateway.core.identity import window_key
from reference_gateway.core.limiter import Policy
from tests.gateway_limiter.crowd import admissions, ask, at_once, now_us, somebody, stand_still, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.stack.nursery import Nursery
    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.core.limiter import Ask, WindowStore
    from reference_gateway.core.window import Decision
    from tests.gateway_limiter.crowd import Opens

BUDGET_US = 50_000
ROOMY_US = 400_000
"""The same where the server itself must answer within it, right after it stood still, on a busy machine."""
LAG_US = 1_000_000
"""What a busy machine may add to a wait before a test calls it a hang."""
BACK_S = 20.0
"""How soon a server that is back must be found: a probe every 0.1 s, and a start on a busy machine."""
LONG = Policy("pro", 20, 60_000_000)


@pytest.fixture
def server(stack_nursery: Nursery) -> Iterator[RedisServer]:
    """A server of the test's own, to break."""
    server = RedisServer(stack_nursery, chosen(find_redis()))
    server.start()
    server.ready()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def pair(opened: Opens, server: RedisServer) -> tuple[SlidingWindowRateLimiter, SlidingWindowRateLimiter]:
    """Two instances that have met the server."""
    both = opened(server.url(), budget_us=BUDGET_US), opened(server.url(), budget_us=BUDGET_US)
    for limiter in both:
        await limiter.admit(somebody(), LONG)
    await until(lambda: all(limiter.away == () for limiter in both), at_most_s=BACK_S)
    return both


Pair = tuple["SlidingWindowRateLimiter", "SlidingWindowRateLimiter"]


async def test_a_killed_server_leaves_each_instance_exact_and_is_found_again(pair: Pair, server: RedisServer) -> None:
    first, second = pair
    server.kill()
    for limiter in pair:
        who = somebody()
        decisions = await ask(limiter, who, LONG, 30)
        assert [d.admitted for d in decisions] == [True] * 20 + [False] * 10
        assert [d.remaining for d in decisions[:20]] == list(range(19, -1, -1))
        assert limiter.away == (server.address,)
    server.start()
    await until(lambda: first.away == second.away == (), at_most_s=BACK_S)
    who = somebody()
    assert admissions(await ask(first, who, LONG, 15)) + admissions(await ask(second, who, LONG, 15)) == LONG.limit


async def test_a_hanging_server_costs_the_budget_once_and_then_nothing(pair: Pair, server: RedisServer) -> None:
    limiter, who = pair[0], somebody()
    server.pause()
    began_us = now_us()
    decisions = await ask(limiter, who, LONG, 5)
    assert now_us() - began_us < BUDGET_US + LAG_US
    assert limiter.away == (server.address,)
    decisions += [at_once(limiter.admit(who, LONG)) for _ in range(20)]
    assert admissions(decisions) == LONG.limit
    server.resume()
    await until(lambda: limiter.away == (), at_most_s=BACK_S)


async def test_the_switches_admit_at_most_instances_times_the_limit(pair: Pair, server: RedisServer) -> None:
    who, given = somebody(), dict.fromkeys(pair, 0)
    for change in (None, server.kill, server.start):
        if change:
            change()
        if change == server.start:
            server.ready()
            await until(lambda: all(limiter.away == () for limiter in pair), at_most_s=BACK_S)
        for limiter in pair:
            given[limiter] += admissions(await ask(limiter, who, LONG, 30))
    assert max(given.values()) <= LONG.limit
    assert sum(given.values()) >= LONG.limit


async def test_what_was_admitted_alone_still_counts_right_after_the_return(pair: Pair, server: RedisServer) -> None:
    first, second = pair
    who = somebody()
    server.kill()
    assert admissions(await ask(first, who, LONG, 15)) == 15
    server.start()
    await until(lambda: first.away == second.away == (), at_most_s=BACK_S)
    assert admissions(await ask(first, who, LONG, 30)) == 5
    assert admissions(await ask(first, who, LONG, 30)) == 0
    # The server knows of 5, as it never heard of what we refused: the other instance gets the rest of its limit.
    assert admissions(await ask(second, who, LONG, 30)) == 15


async def test_what_a_paused_server_hears_late_counts_nothing(pair: Pair, server: RedisServer) -> None:
    limiter, who = pair[0], somebody()
    assert admissions(await ask(limiter, who, LONG, 2)) == 2
    server.pause()
    assert admissions(await ask(limiter, who, LONG, 5)) == 5
    paused_us = now_us()
    await until(lambda: now_us() > paused_us + LAG_US, at_most_s=BACK_S)
    server.resume()
    await until(lambda: limiter.away == (), at_most_s=BACK_S)
    with Redis.from_url(server.url()) as client:
        assert client.zcard(window_key(who)) == 2


class _StallsWith:
    """A store on a machine that stands still, server and all, right after each batch was sent."""

    def __init__(self, store: WindowStore, server: RedisServer) -> None:
        self._store = store
        self._server = server
        self.server, self.probe, self.close = store.server, store.probe, store.close

    async def decide(self, server: str, asks: Sequence[Ask]) -> list[Decision]:
        self._server.pause()
        journey = asyncio.create_task(self._store.decide(server, asks))
        for _ in range(3):
            await asyncio.sleep(0)
        stand_still(2 * ROOMY_US / 1_000_000)
        self._server.resume()
        return await journey


async def test_a_machine_that_stood_still_as_a_whole_has_lost_no_redis(opened: Opens, server: RedisServer) -> None:
    limiter = opened(server.url(), budget_us=ROOMY_US, wrap=lambda store: _StallsWith(store, server))
    await limiter.start()
    assert admissions(await ask(limiter, somebody(), LONG, 3)) == 3
    assert limiter.away == ()


async def test_a_server_that_was_never_there_is_found_when_it_comes(opened: Opens, server: RedisServer) -> None:
    server.kill()
    limiter, who = opened(server.url(), budget_us=BUDGET_US), somebody()
    assert admissions(await ask(limiter, who, LONG, 30)) == LONG.limit
    assert limiter.away == (server.address,)
    server.start()
    await until(lambda: limiter.away == (), at_most_s=BACK_S)


async def test_a_wrong_password_is_an_outage_not_a_crash(opened: Opens, server: RedisServer) -> None:
    limiter, who = opened(f"redis://:wrong@{server.address}/0", budget_us=BUDGET_US), somebody()
    assert admissions(await ask(limiter, who, LONG, 30)) == LONG.limit
    assert limiter.away == (server.address,)
