"""Two instances on one Redis, alone or a cluster: what one sees of a provider, the other goes by."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.crc import key_slot

from reference_gateway.adapters.redis.upstream_script import PREFIX
from reference_gateway.core.upstream.ports import Admission, Attempted, Refused, Rules
from tests.gateway_limiter.crowd import until
from tests.gateway_limiter.slots import counted, give, id_of, owner_of, slot_home_again, tell
from tests.gateway_upstream.instances import BACK_S, somewhere

if TYPE_CHECKING:
    from gatespec.stack.redis_cluster import RedisCluster
    from tests.gateway_upstream.instances import Instance, Instances

HOUR_MS = 3_600_000
SHARED = Rules(open_ms=HOUR_MS, trial_ms=HOUR_MS, retry_out_ms=0, endpoints=2)
AT_ONCE = replace(SHARED, open_ms=0)
"""Half-open with the next call."""


@pytest.fixture(params=["clean_redis_url", "clean_redis_cluster_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def test_failures_of_both_open_it_for_both(instances: Instances, url: str) -> None:
    first, second = instances(url, SHARED), instances(url, SHARED)
    for provider in (somewhere() for _ in range(10)):
        assert await first.calls(provider, "failure", 5) == "closed"
        assert await second.calls(provider, "success", 5) == "open"
        assert (await first.refusal(provider)).why == "open"
        assert await first.state(provider) == "open"


async def test_both_together_are_given_three_trials_and_close_it(instances: Instances, url: str) -> None:
    first, second = instances(url, AT_ONCE), instances(url, AT_ONCE)
    provider = somewhere()
    await first.calls(provider, "failure", 10)
    asked = await asyncio.gather(*(each.store.admit(provider) for each in (first, second) * 5))
    trials = [answer for answer in asked if isinstance(answer, Admission)]
    assert sorted(trial.trial for trial in trials) == [1, 2, 3]
    assert {answer.why for answer in asked if isinstance(answer, Refused)} == {"trials"}
    ends = [
        await each.store.finish(trial, "success", ())
        for each, trial in zip((second, first, second), trials, strict=True)
    ]
    assert ends == ["half-open", "half-open", "closed"]
    assert (await first.store.look(provider)).calls == 0


async def test_a_second_attempt_asks_what_all_know(instances: Instances, url: str) -> None:
    first, second = instances(url, SHARED), instances(url, SHARED)
    provider = somewhere()
    admission = await first.begins(provider)
    assert await first.store.still_closed(admission)
    await second.calls(provider, "failure", 10)
    assert not await first.store.still_closed(admission)


async def test_what_an_instance_admitted_alone_in_a_period_of_its_own_is_not_for_all(
    instances: Instances, url: str
) -> None:
    instance, provider = instances(url, SHARED), somewhere()
    admission = await instance.begins(provider)
    alone = replace(admission, token="alone since 1")  # noqa: S106 - names a period of the same number
    assert not await instance.store.still_closed(alone)
    await instance.store.finish(alone, "failure", [Attempted(0, 30, failed=True)])
    seen = await instance.store.look(provider)
    assert (seen.calls, seen.endpoints[0].latency_ms) == (0, 30)
    await instance.store.finish(admission, "failure", ())
    assert (await instance.store.look(provider)).calls == 1


async def test_health_of_endpoints_and_pauses_are_shared(instances: Instances, url: str) -> None:
    first, second = instances(url, SHARED), instances(url, SHARED)
    provider = somewhere()
    failed = [Attempted(0, 30, failed=True)] * 3 + [Attempted(1, 3_000, failed=False)] * 10
    await first.store.finish(await first.begins(provider), "uncounted", failed, retry_after_ms=HOUR_MS)
    seen = await second.store.look(provider)
    assert [(each.is_out, each.is_slow) for each in seen.endpoints] == [(True, False), (False, True)]
    assert HOUR_MS - 60_000 < seen.held_ms <= HOUR_MS
    assert (await second.refusal(provider)).why == "held"
    await second.store.probed(provider, 0, well=True)
    assert not (await first.store.look(provider)).endpoints[0].is_out


async def test_a_rate_holds_for_both_together(instances: Instances, url: str) -> None:
    slowly = replace(SHARED, rate_per_s=0.001)
    first, second = instances(url, slowly), instances(url, slowly)
    provider = somewhere()
    await first.begins(provider)
    assert (await second.refusal(provider)).why == "paced"


async def test_a_turn_is_one_instances(instances: Instances, url: str) -> None:
    first, second = instances(url, SHARED), instances(url, SHARED)
    turns = await asyncio.gather(
        *(each.store.turn(somewhere_name, HOUR_MS) for each in (first, second) for somewhere_name in "abc")
    )
    assert sum(turns) == 3
    assert not await second.store.turn("a", HOUR_MS)


async def test_a_provider_is_one_key(instances: Instances, clean_redis_url: str) -> None:
    instance = instances(clean_redis_url, SHARED)
    await instance.store.start()
    await instance.calls("p", "failure", 3)
    with Redis.from_url(clean_redis_url) as client:
        assert client.keys() == [f"{PREFIX}p".encode()]
        assert client.ttl(f"{PREFIX}p") > 0


async def test_a_redis_that_lost_all_believes_of_an_open_breaker(instances: Instances, clean_redis_url: str) -> None:
    knows, other = instances(clean_redis_url, SHARED), instances(clean_redis_url, SHARED)
    provider, well = somewhere(), somewhere()
    await knows.calls(provider, "failure", 10)
    await knows.calls(well, "failure", 9)
    with Redis.from_url(clean_redis_url) as client:
        client.flushdb()
    assert (await knows.refusal(provider)).why == "open"
    assert (await other.refusal(provider)).why == "open"
    assert await knows.calls(well, "failure", 1) == "closed"


def slot_of(provider: str) -> int:
    return int(key_slot((PREFIX + provider).encode()))


async def opens_after_a_success(instance: Instance, provider: str) -> None:
    assert await instance.calls(provider, "failure", 9) == "open"


@pytest.mark.parametrize(("lose", "mend"), [("pause", "resume"), ("kill", "start")])
async def test_a_node_that_is_lost_takes_its_own_providers_only(
    instances: Instances, redis_cluster: RedisCluster, lose: str, mend: str
) -> None:
    redis_cluster.empty()
    first, second = (instances(redis_cluster.url, SHARED, budget_us=500_000) for _ in range(2))
    await first.store.start()
    await second.store.start()
    node, providers = redis_cluster.nodes[0], [somewhere() for _ in range(12)]
    for provider in providers:
        await first.calls(provider, "success")
    theirs = [provider for provider in providers if owner_of(redis_cluster, slot_of(provider)) is node]
    others = [provider for provider in providers if provider not in theirs]
    assert theirs
    assert others
    getattr(node, lose)()
    try:
        await opens_after_a_success(first, theirs[0])
        assert first.healths.away == (node.address,)
        assert await second.state(theirs[0]) == "closed"
    finally:
        getattr(node, mend)()
        redis_cluster.ready()
    await until(lambda: first.healths.away == second.healths.away == (), at_most_s=BACK_S)
    await opens_after_a_success(first, others[0])
    assert await second.state(others[0]) == "open"


async def test_a_slot_that_moved_is_followed(instances: Instances, redis_cluster: RedisCluster) -> None:
    first, second = instances(redis_cluster.url, SHARED), instances(redis_cluster.url, SHARED)
    provider = somewhere()
    await first.store.start()
    with slot_home_again(redis_cluster, slot_of(provider)) as (home, away):
        give(redis_cluster, slot_of(provider), home, away)
        before = counted(away, "commandstats", "cmdstat_evalsha")
        assert await first.calls(provider, "failure", 10) == "open"
        assert await second.state(provider) == "open"
        assert counted(away, "commandstats", "cmdstat_evalsha") > before
        assert first.healths.away == ()


async def test_a_provider_whose_slot_is_on_the_way_is_asked_where_it_goes(
    instances: Instances, redis_cluster: RedisCluster
) -> None:
    first, second = instances(redis_cluster.url, SHARED), instances(redis_cluster.url, SHARED)
    provider = somewhere()
    await first.store.start()
    await second.store.start()
    with slot_home_again(redis_cluster, slot_of(provider)) as (home, away):
        tell(away, "CLUSTER", "SETSLOT", slot_of(provider), "IMPORTING", id_of(home))
        tell(home, "CLUSTER", "SETSLOT", slot_of(provider), "MIGRATING", id_of(away))
        assert await first.calls(provider, "failure", 10) == "open"
        assert await second.state(provider) == "open"
        assert first.healths.away == ()
