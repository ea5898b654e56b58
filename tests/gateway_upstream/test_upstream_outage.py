"""Redis goes away, and comes back: each instance goes on from what it knew, nobody waits, and nothing counts twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest_asyncio

from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.upstream.ports import Admission, Rules
from tests.gateway_limiter.crowd import at_once, until
from tests.gateway_upstream.instances import BACK_S, BUDGET_US, LAG_US, eventually, somewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.stack.redis import RedisServer
    from reference_gateway.adapters.redis.words import Reply, Word
    from tests.gateway_upstream.instances import Instance, Instances

HOUR_MS = 3_600_000
LONG = Rules(open_ms=HOUR_MS, trial_ms=HOUR_MS, retry_out_ms=0, endpoints=2)
AT_ONCE = replace(LONG, open_ms=0)
Pair = tuple["Instance", "Instance"]


async def met(instances: Instances, server: RedisServer, rules: Rules) -> Pair:
    pair = instances(server.url(), rules, budget_us=BUDGET_US), instances(server.url(), rules, budget_us=BUDGET_US)
    for instance in pair:
        await instance.store.start()
    await back(pair)
    return pair


async def back(pair: Pair) -> None:
    await until(lambda: all(instance.healths.away == () for instance in pair), at_most_s=BACK_S)


@pytest_asyncio.fixture
async def pair(instances: Instances, server: RedisServer) -> Pair:
    """Two instances that have met the server."""
    return await met(instances, server, LONG)


async def away(pair: Pair) -> None:
    """Let both find out."""
    for instance in pair:
        await instance.store.look(somewhere())
        assert instance.healths.away


async def test_an_open_breaker_stays_open_without_redis_and_with_one_that_comes_back_empty(
    pair: Pair, server: RedisServer
) -> None:
    first, second = pair
    provider = somewhere()
    await first.calls(provider, "failure", 10)
    assert await second.state(provider) == "open"
    server.kill()
    await away(pair)
    for instance in pair:
        assert (await instance.refusal(provider)).why == "open"
    server.start()
    server.ready()
    await back(pair)
    for instance in pair:
        assert (await instance.refusal(provider)).why == "open"


async def test_without_redis_each_instance_has_a_breaker_of_its_own(pair: Pair, server: RedisServer) -> None:
    first, second = pair
    provider = somewhere()
    await first.calls(provider, "failure", 4)
    assert (await second.store.look(provider)).failures == 4
    server.kill()
    await away(pair)
    assert await first.calls(provider, "failure", 5) == "closed"
    assert await first.calls(provider, "failure", 1) == "open"
    assert (await first.refusal(provider)).why == "open"
    assert (await second.store.look(provider)).failures == 4
    assert [await instance.store.turn("probes", HOUR_MS) for instance in (*pair, *pair)] == [True, True, False, False]
    await first.store.probed(provider, 1, well=False)
    assert [each.is_out for each in (await first.store.look(provider)).endpoints] == [False, True]


async def test_a_server_that_hangs_costs_the_budget_once_and_then_nothing(pair: Pair, server: RedisServer) -> None:
    instance, provider = pair[0], somewhere()
    server.pause()
    assert await instance.timed(provider) < BUDGET_US + LAG_US
    assert instance.healths.away == (server.address,)
    for _ in range(20):
        at_once(instance.store.admit(provider))
    server.resume()
    await back(pair)
    assert await pair[1].calls(provider, "failure", 10) == "open"
    assert await instance.state(provider) == "open"


async def test_what_redis_knows_counts_when_it_is_back(pair: Pair, server: RedisServer) -> None:
    first, provider = pair[0], somewhere()
    await first.calls(provider, "success", 2)
    server.pause()
    await away(pair)
    await first.calls(provider, "failure", 8)
    assert await first.state(provider) == "open"
    server.resume()
    await back(pair)
    for instance in pair:
        seen = await instance.store.look(provider)
        assert (seen.state, seen.calls, seen.failures) == ("closed", 2, 0)


async def test_a_call_admitted_by_redis_and_ended_without_it_counts_once(pair: Pair, server: RedisServer) -> None:
    first, second = pair
    provider = somewhere()
    admission = await first.begins(provider)
    server.pause()
    await away(pair)
    await first.store.finish(admission, "failure", ())
    assert (await first.store.look(provider)).calls == 1
    server.resume()
    await back(pair)
    assert (await second.store.look(provider)).calls == 0


async def test_a_call_admitted_without_redis_and_ended_with_it_counts_once(pair: Pair, server: RedisServer) -> None:
    first, second = pair
    provider = somewhere()
    await first.calls(provider, "success", 1)
    server.pause()
    await away(pair)
    same = await first.begins(provider)
    await first.calls(provider, "failure", 9)
    assert await first.state(provider) == "open"
    server.resume()
    await back(pair)
    await first.store.finish(same, "failure", ())
    seen = await second.store.look(provider)
    assert (seen.calls, seen.failures) == (2, 1)


async def test_a_trials_result_and_a_pause_reach_redis_when_it_is_back(
    instances: Instances, server: RedisServer
) -> None:
    pair = await met(instances, server, AT_ONCE)
    first, second = pair
    provider, asks = somewhere(), somewhere()
    await first.calls(provider, "failure", 10)
    trials = [await first.begins(provider) for _ in range(3)]
    held = await first.begins(asks)
    server.pause()
    await away(pair)
    assert [await first.store.finish(trial, "success", ()) for trial in trials][-1] == "closed"
    await first.store.finish(held, "uncounted", (), retry_after_ms=HOUR_MS)
    server.resume()
    await back(pair)
    await eventually(lambda: _is_closed(second, provider))
    await eventually(lambda: _is_held(second, asks))


async def _is_closed(instance: Instance, provider: str) -> bool:
    return await instance.state(provider) == "closed"


async def _is_held(instance: Instance, provider: str) -> bool:
    return (await instance.store.look(provider)).held_ms > HOUR_MS // 2


async def _gets_a_trial(instance: Instance, provider: str) -> bool:
    return isinstance(await instance.store.admit(provider), Admission)


async def test_a_trial_whose_answer_was_lost_ends_in_time(instances: Instances, server: RedisServer) -> None:
    first, second = await met(instances, server, replace(AT_ONCE, trials=1, trial_ms=300))
    provider = somewhere()
    await first.calls(provider, "failure", 10)
    lost = spoil_one(first, StoreAway("the connection broke"))
    assert (await first.begins(provider)).token
    assert lost
    await eventually(lambda: _gets_a_trial(second, provider))


async def test_a_result_that_came_too_late_for_redis_is_said_again(instances: Instances, server: RedisServer) -> None:
    first, second = await met(instances, server, AT_ONCE)
    provider = somewhere()
    await first.calls(provider, "failure", 10)
    trials = [await first.begins(provider) for _ in range(3)]
    spoil_one(first, [[1]])
    for trial in trials:
        await first.store.finish(trial, "success", ())
    assert first.healths.away == ()
    await eventually(lambda: _is_closed(second, provider))


def spoil_one(instance: Instance, answer: Exception | list[Reply | Exception]) -> list[object]:
    """Put another answer in the place of the next; returns the list that it will be in."""
    servers = instance.store._couriers._servers  # noqa: SLF001 - an answer is lost nowhere else
    run, lost = servers.run, list[object]()

    async def spoils(name: str, words: Sequence[Word]) -> list[Reply | Exception]:
        right = await run(name, words)
        if lost:
            return right
        lost.append(right)
        if isinstance(answer, Exception):
            raise answer
        return answer

    servers.run = spoils  # type: ignore[method-assign,assignment] # as above
    return lost
