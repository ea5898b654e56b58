"""The limiter over a real Redis that is well: exact over instances, one call a tick, whatever callers do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis import Redis

from reference_gateway.core.limiter import Policy
from tests.gateway_limiter.crowd import admissions, ask, now_us, script_calls, somebody, stand_still

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.core.limiter import Ask, WindowStore
    from reference_gateway.core.window import Decision
    from tests.gateway_limiter.crowd import Opens

LONG = Policy("pro", 50, 60_000_000)
SHORT = Policy("pro", 5, 200_000)
WORK_TURNS_MAX = 100


async def test_two_instances_admit_exactly_the_limit(opened: Opens, redis_url: str) -> None:
    first, second, who = opened(redis_url), opened(redis_url), somebody()
    waves = [ask(limiter, who, LONG, 10) for limiter in (first, second) for _ in range(10)]
    decisions = [decision for wave in await asyncio.gather(*waves) for decision in wave]
    assert sorted(d.remaining for d in decisions if d.admitted) == list(range(LONG.limit))
    assert admissions(decisions) == LONG.limit


async def test_windows_slide_on_the_servers_own_clock(opened: Opens, redis_url: str) -> None:
    limiter, who = opened(redis_url), somebody()
    heard_us: list[int] = []
    sent_us: list[int] = []
    while len(heard_us) < 4 * SHORT.limit:
        asked_us = now_us()
        decision = await limiter.admit(who, SHORT)
        if decision.admitted:
            sent_us.append(asked_us)
            heard_us.append(now_us())
        else:
            await asyncio.sleep(decision.reset_us / 1_000_000)
    spans = zip(sent_us, heard_us[SHORT.limit :], strict=False)
    assert all(later - earlier >= SHORT.window_us for earlier, later in spans)


async def test_identities_do_not_share_a_window(opened: Opens, redis_url: str) -> None:
    limiter, crowd = opened(redis_url), [somebody() for _ in range(20)]
    waves = await asyncio.gather(*(ask(limiter, who, SHORT, 1) for who in crowd))
    assert [wave[0].remaining for wave in waves] == [SHORT.limit - 1] * len(crowd)


async def test_all_asks_of_a_tick_travel_in_one_call(opened: Opens, redis_url: str) -> None:
    limiter = opened(redis_url)
    await limiter.admit(somebody(), LONG)
    before = script_calls(redis_url)
    await asyncio.gather(*(ask(limiter, somebody(), LONG, 5) for _ in range(20)))
    assert script_calls(redis_url) == before + 1


async def test_asks_of_one_identity_are_decided_in_their_order(opened: Opens, redis_url: str) -> None:
    decisions = await ask(opened(redis_url), somebody(), LONG, 60)
    assert [d.admitted for d in decisions] == [True] * 50 + [False] * 10
    assert [d.remaining for d in decisions] == [*range(49, -1, -1), *[0] * 10]


async def test_a_server_that_forgot_the_script_is_told_again(opened: Opens, redis_url: str) -> None:
    limiter, who = opened(redis_url), somebody()
    await limiter.admit(who, LONG)
    with Redis.from_url(redis_url) as client:
        client.script_flush()
    assert (await limiter.admit(who, LONG)).remaining == LONG.limit - 2
    assert limiter.away == ()


async def test_who_stops_waiting_disturbs_nobody(opened: Opens, redis_url: str) -> None:
    limiter, who = opened(redis_url), somebody()
    impatient = [asyncio.create_task(limiter.admit(who, LONG)) for _ in range(20)]
    patient = asyncio.create_task(ask(limiter, who, LONG, 20))
    for turns, task in enumerate(impatient):
        for _ in range(turns % 4):
            await asyncio.sleep(0)
        task.cancel()
    assert admissions(await patient) == 20
    assert all(task.cancelled() or task.done() for task in impatient)
    assert admissions(await ask(limiter, who, LONG, 60)) <= LONG.limit - 20


async def test_closing_answers_who_still_waits(opened: Opens, redis_url: str) -> None:
    limiter, who = opened(redis_url), somebody()
    waiting = asyncio.create_task(ask(limiter, who, LONG, 10))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await limiter.close()
    assert admissions(await asyncio.wait_for(waiting, 5)) == 10


class _Strained:
    """A store whose process stands still right after each batch was sent, and takes more turns for an answer."""

    def __init__(self, store: WindowStore) -> None:
        self._store = store
        self.stall_s, self.turns = 0.0, 0
        self.server, self.probe, self.close = store.server, store.probe, store.close

    async def decide(self, server: str, asks: Sequence[Ask]) -> list[Decision]:
        journey = asyncio.create_task(self._store.decide(server, asks))
        for _ in range(3):
            await asyncio.sleep(0)
        stand_still(self.stall_s)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return await journey


@pytest_asyncio.fixture
async def strained(opened: Opens, redis_url: str) -> tuple[SlidingWindowRateLimiter, _Strained]:
    stores: list[_Strained] = []

    def wrap(store: WindowStore) -> WindowStore:
        stores.append(_Strained(store))
        return stores[0]

    limiter = opened(redis_url, budget_us=50_000, wrap=wrap)
    await limiter.start()
    return limiter, stores[0]


async def test_our_own_stall_is_no_outage_of_redis(strained: tuple[SlidingWindowRateLimiter, _Strained]) -> None:
    limiter, store = strained
    store.stall_s = 0.2
    assert admissions(await ask(limiter, somebody(), LONG, 3)) == 3
    assert limiter.away == ()


async def test_a_loop_with_too_much_work_is_no_outage_of_redis(
    strained: tuple[SlidingWindowRateLimiter, _Strained],
) -> None:
    limiter, store = strained
    store.turns = 5

    async def works() -> None:
        for _ in range(WORK_TURNS_MAX):
            stand_still(0.06)
            await asyncio.sleep(0)

    work = asyncio.create_task(works())
    assert admissions(await ask(limiter, somebody(), LONG, 3)) == 3
    work.cancel()
    assert limiter.away == ()


@pytest.mark.parametrize("name", ["{slot}", "a\r\nFLUSHALL\r\n", "x" * 250, "\u2603", "\0", "*", "a b"])
async def test_hostile_names_have_windows_like_any_other(opened: Opens, redis_url: str, name: str) -> None:
    limiter, policy = opened(redis_url), Policy("free", 2, 60_000_000)
    who = type(somebody())("user", name, "free")
    decisions = await ask(limiter, who, policy, 3)
    assert [d.admitted for d in decisions] == [True, True, False]
