"""The limiter over a real Redis Cluster: each key on its own node, each node's loss its own, slots on the move."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio.connection import Connection
from redis.crc import key_slot

from reference_gateway.core.identity import window_key
from reference_gateway.core.limiter import Policy
from tests.gateway_limiter.crowd import admissions, ask, at_once, somebody, until
from tests.gateway_limiter.slots import counted, give, id_of, owner_of, slot_home_again, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.redis_cluster import RedisCluster
    from reference_gateway.core.identity import Identity
    from tests.gateway_limiter.crowd import Opens

BUDGET_US = 100_000
BACK_S = 30.0
LONG = Policy("pro", 10, 60_000_000)
CROWD = 30


def crowd() -> list[Identity]:
    return [somebody() for _ in range(CROWD)]


def slot_of(who: Identity) -> int:
    return key_slot(window_key(who).encode())


async def test_two_instances_admit_exactly_the_limit_on_every_node(opened: Opens, redis_cluster_url: str) -> None:
    first, second = opened(redis_cluster_url), opened(redis_cluster_url)
    for who in crowd():
        waves = await asyncio.gather(ask(first, who, LONG, 8), ask(second, who, LONG, 8))
        decisions = [decision for wave in waves for decision in wave]
        assert sorted(d.remaining for d in decisions if d.admitted) == list(range(LONG.limit))


async def test_a_tick_is_one_call_a_key_and_one_write_a_node(
    opened: Opens, redis_cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, people = opened(redis_cluster.url), crowd()
    await asyncio.gather(*(ask(limiter, who, LONG, 1) for who in people))
    writes: list[str] = []
    send = Connection.send_packed_command

    async def noted(connection: Connection, *what: Any, **how: Any) -> None:  # noqa: ANN401 - as redis-py has it
        writes.append(f"{connection.host}:{connection.port}")
        await send(connection, *what, **how)

    monkeypatch.setattr(Connection, "send_packed_command", noted)
    before = [counted(node, "commandstats", "cmdstat_evalsha") for node in redis_cluster.nodes]
    waves = await asyncio.gather(*(ask(limiter, who, LONG, 3) for who in people))
    assert [[d.remaining for d in wave] for wave in waves] == [[8, 7, 6]] * CROWD
    shares = [sum(owner_of(redis_cluster, slot_of(who)) is node for who in people) for node in redis_cluster.nodes]
    after = [counted(node, "commandstats", "cmdstat_evalsha") for node in redis_cluster.nodes]
    assert [now - then for now, then in zip(after, before, strict=True)] == shares
    assert sorted(writes) == sorted(
        node.address for node, share in zip(redis_cluster.nodes, shares, strict=True) if share
    )


@contextmanager
def partial_coverage(cluster: RedisCluster) -> Iterator[None]:
    """The nodes that are left go on serving their slots."""
    for node in cluster.nodes:
        tell(node, "CONFIG", "SET", "cluster-require-full-coverage", "no")
    try:
        yield
    finally:
        for node in cluster.nodes:
            tell(node, "CONFIG", "SET", "cluster-require-full-coverage", "yes")


async def test_with_one_node_gone_only_its_identities_are_decided_alone(
    opened: Opens, redis_cluster: RedisCluster
) -> None:
    people = crowd()
    lost = redis_cluster.nodes[0]
    theirs = [who for who in people if owner_of(redis_cluster, slot_of(who)) is lost]
    others = [who for who in people if who not in theirs]
    first, second = (opened(redis_cluster.url, budget_us=BUDGET_US) for _ in range(2))
    for limiter in (first, second):
        await limiter.start()
    assert theirs
    assert others
    with partial_coverage(redis_cluster):
        lost.pause()
        try:
            for limiter in (first, second):
                assert admissions(await ask(limiter, theirs[0], LONG, 15)) == LONG.limit
                assert limiter.away == (lost.address,)
                assert at_once(limiter.admit(theirs[0], LONG)).admitted is False
            shared = [await ask(limiter, others[0], LONG, 8) for limiter in (first, second)]
            assert [admissions(wave) for wave in shared] == [8, 2]
        finally:
            lost.resume()
        await until(lambda: first.away == second.away == (), at_most_s=BACK_S)
    redis_cluster.ready()


async def test_a_slot_that_moved_is_followed(opened: Opens, redis_cluster: RedisCluster) -> None:
    limiter, who, other = opened(redis_cluster.url), somebody(), somebody()
    await limiter.start()
    with slot_home_again(redis_cluster, slot_of(who)) as (home, away):
        give(redis_cluster, slot_of(who), home, away)
        before = counted(away, "commandstats", "cmdstat_evalsha")
        waves = await asyncio.gather(ask(limiter, who, LONG, 15), ask(limiter, other, LONG, 3))
        assert [admissions(wave) for wave in waves] == [10, 3]
        assert counted(away, "commandstats", "cmdstat_evalsha") > before
        assert limiter.away == ()


async def test_what_was_admitted_counts_on_where_a_slot_came_to_its_new_node_empty(
    opened: Opens, redis_cluster: RedisCluster
) -> None:
    first, second, who = opened(redis_cluster.url), opened(redis_cluster.url), somebody()
    for limiter in (first, second):
        await limiter.start()
        assert admissions(await ask(limiter, who, LONG, 4)) == 4
    with slot_home_again(redis_cluster, slot_of(who)) as (home, away):
        give(redis_cluster, slot_of(who), home, away)
        assert admissions(await ask(first, who, LONG, 15)) == LONG.limit - 4
        assert admissions(await ask(second, who, LONG, 15)) <= LONG.limit - 4
    tell(home, "FLUSHALL")


async def test_a_key_whose_slot_is_on_the_way_is_asked_where_it_goes(
    opened: Opens, redis_cluster: RedisCluster
) -> None:
    limiter, who = opened(redis_cluster.url), somebody()
    await limiter.start()
    with slot_home_again(redis_cluster, slot_of(who)) as (home, away):
        tell(away, "CLUSTER", "SETSLOT", slot_of(who), "IMPORTING", id_of(home))
        tell(home, "CLUSTER", "SETSLOT", slot_of(who), "MIGRATING", id_of(away))
        tell(away, "ASKING")
        asked = counted(away, "commandstats", "cmdstat_asking")
        assert admissions(await ask(limiter, who, LONG, 15)) == LONG.limit
        assert counted(away, "commandstats", "cmdstat_asking") > asked
        assert limiter.away == ()


async def test_a_cluster_that_is_met_by_the_first_request_decides_it(opened: Opens, redis_cluster_url: str) -> None:
    limiter = opened(redis_cluster_url)
    waves = await asyncio.gather(*(ask(limiter, who, LONG, 12) for who in crowd()))
    assert [admissions(wave) for wave in waves] == [LONG.limit] * CROWD
    assert limiter.away == ()


@pytest.mark.parametrize("seeds", ["127.0.0.1:1,", ""])
async def test_one_seed_that_answers_is_enough(opened: Opens, redis_cluster: RedisCluster, seeds: str) -> None:
    limiter = opened(f"redis+cluster://{seeds}{redis_cluster.nodes[1].address}")
    assert admissions(await ask(limiter, somebody(), LONG, 12)) == LONG.limit
    assert limiter.away == ()


async def test_without_any_node_each_instance_decides_alone(opened: Opens) -> None:
    limiter = opened("redis+cluster://127.0.0.1:1,127.0.0.1:2", budget_us=BUDGET_US)
    assert admissions(await ask(limiter, somebody(), LONG, 12)) == LONG.limit
    assert len(limiter.away) == 1
