"""The shared tier over real servers: who leads, what a hang costs, how lost leases and messages are made good."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import uvloop
from redis import Redis

from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.redis import RedisServer
from reference_gateway.adapters.redis import Healths, RedisL1, Terms, channel_of, open_cache, open_limiter, open_notices
from reference_gateway.adapters.redis.stored_offers import encode
from reference_gateway.core.limiter import Policy, StoreAway
from tests.gateway_limiter.crowd import now_us, somebody, until
from tests.gateway_reads.lists import entry, offer

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.redis_cluster import RedisCluster
    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.core.cache.ports import Lease

BUDGET_US = 50_000
PATIENT_US = 5_000_000
LAG_US = 1_000_000
"""What a busy machine may add to a wait before a test calls it a hang."""
BACK_S = 20.0
"""How soon a server that is back must be found."""
LONG = Policy("pro", 20, 60_000_000)
STORED = encode((offer(),))
KEYS = [f"house/p{n}" for n in range(40)]

_tokens = count(1)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """On the event loop that the gateway runs on: the budget counts its turns."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Party:
    """One instance, as far as Redis is concerned."""

    url: str
    healths: Healths
    l1: RedisL1
    limiter: SlidingWindowRateLimiter

    async def ask(self, key: str = "house/p") -> Lease | None:
        return (await self.l1.ask(key, newer_than=0, have=0)).lease

    async def timed(self, work: Awaitable[object]) -> int:
        began_us = now_us()
        try:
            await work
        except StoreAway:
            return now_us() - began_us
        raise AssertionError("it answered")


@pytest_asyncio.fixture
async def parties() -> AsyncIterator[Callable[..., Party]]:
    opened: list[Party] = []

    def opens(url: str, *, budget_us: int = PATIENT_US, ttl_ms: int = 60_000, lease_ms: int = 60_000) -> Party:
        healths = Healths(budget_us, now_us)
        terms = Terms(ttl_ms, 86_400_000, lease_ms, channel_of(url))
        l1 = open_cache(url, terms, healths, lambda: f"token-{next(_tokens)}")
        opened.append(Party(url, healths, l1, open_limiter(url, healths)))
        return opened[-1]

    yield opens
    for party in opened:
        await party.l1.close()
        await party.limiter.close()


@pytest.fixture
def server(stack_nursery: Nursery) -> Iterator[RedisServer]:
    """A server of the test's own, to break."""
    server = RedisServer(stack_nursery, chosen(find_redis()))
    server.start()
    server.ready()
    yield server
    server.stop()


@pytest.fixture(params=["clean_redis_url", "clean_redis_cluster_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def test_one_of_two_leads_each_key_and_the_other_reads_its_entry(parties: Callable[..., Party], url: str) -> None:
    first, second = parties(url), parties(url)
    leases = [lease for lease in await asyncio.gather(*(first.ask(key) for key in KEYS)) if lease]
    assert [lease.key for lease in leases] == KEYS
    assert await asyncio.gather(*(second.ask(key) for key in KEYS)) == [None] * len(KEYS)
    wrote = await asyncio.gather(*(first.l1.write(lease, entry(epoch=lease.epoch), STORED) for lease in leases))
    assert wrote == [True] * len(KEYS)
    for key, lease in zip(KEYS, leases, strict=True):
        told = await second.l1.ask(key, newer_than=0, have=0)
        assert told.held is not None
        assert (told.fresh, told.held.entry.offers, told.held.entry.epoch) == (True, (offer(),), lease.epoch)


async def test_all_words_of_a_tick_travel_in_one_journey(parties: Callable[..., Party], clean_redis_url: str) -> None:
    party = parties(clean_redis_url)
    await party.l1.start()
    travels: list[int] = []
    run = party.l1._couriers._servers.run  # noqa: SLF001 - what goes over the wire is nowhere else to be seen

    async def noted(server: str, words: list[object]) -> object:
        travels.append(len(words))
        return await run(server, words)  # type: ignore[arg-type] # handed through

    party.l1._couriers._servers.run = noted  # type: ignore[method-assign,assignment] # noqa: SLF001 - as above
    await asyncio.gather(*(party.ask(key) for key in KEYS))
    assert travels == [len(KEYS)]


async def test_a_late_write_is_refused_and_changes_nothing(parties: Callable[..., Party], url: str) -> None:
    slow, quick = parties(url, lease_ms=50), parties(url, lease_ms=60_000)
    late = await slow.ask()
    assert late is not None
    lease: list[Lease] = []

    async def takes_over() -> bool:
        lease.extend(filter(None, [await quick.ask()]))
        return bool(lease)

    assert await until_true(takes_over)
    assert await slow.l1.write(late, entry(cents=999, epoch=late.epoch), STORED) is False
    assert await slow.l1.renew(late) is False
    await slow.l1.release(late)
    assert await quick.l1.write(lease[0], entry(epoch=lease[0].epoch), STORED) is True
    assert lease[0].epoch > late.epoch


async def until_true(holds: Callable[[], Awaitable[bool]]) -> bool:
    deadline_us = now_us() + int(BACK_S * 1_000_000)
    while now_us() < deadline_us:
        if await holds():
            return True
        await asyncio.sleep(0.01)
    return False


async def test_an_invalidated_entry_is_told_as_such_and_may_be_fetched_anew(
    parties: Callable[..., Party], url: str
) -> None:
    first, second = parties(url), parties(url)
    lease = await first.ask()
    assert lease is not None
    await first.l1.write(lease, entry(epoch=lease.epoch), STORED)
    floor = await second.l1.invalidate("house/p")
    assert await first.l1.floors(["house/p", "house/q"]) == {"house/p": floor}
    told = await first.l1.ask("house/p", newer_than=0, have=0)
    assert told.held is not None
    assert told.lease is not None
    assert (told.fresh, told.held.outdated) == (False, True)
    assert told.lease.epoch > floor >= lease.epoch


async def test_a_server_that_hangs_costs_limiter_and_cache_together_one_budget(
    parties: Callable[..., Party], server: RedisServer
) -> None:
    party = parties(server.url(), budget_us=BUDGET_US)
    await party.l1.start()
    await party.limiter.start()
    server.pause()
    assert await party.timed(party.ask()) < BUDGET_US + LAG_US
    assert party.healths.away == (server.address,)
    began_us = now_us()
    for _ in range(50):
        await party.limiter.admit(somebody(), LONG)
        assert await party.timed(party.ask()) < BUDGET_US
    assert now_us() - began_us < 25 * BUDGET_US, "nothing is waited for any more"
    server.resume()
    await until(lambda: party.healths.away == (), at_most_s=BACK_S)
    assert await until_true(lambda: _leads(party))


async def _leads(party: Party) -> bool:
    try:
        return await party.ask() is not None
    except StoreAway:
        return False


async def test_the_limiter_that_found_it_away_tells_the_cache(
    parties: Callable[..., Party], server: RedisServer
) -> None:
    party = parties(server.url(), budget_us=BUDGET_US)
    await party.limiter.start()
    server.kill()
    await party.limiter.admit(somebody(), LONG)
    assert party.healths.away == (server.address,)
    with pytest.raises(StoreAway, match="known"):
        await party.ask()
    server.start()
    server.ready()
    await until(lambda: party.healths.away == (), at_most_s=BACK_S)
    assert await until_true(lambda: _leads(party))


async def test_a_lease_whose_answer_was_lost_is_given_back(parties: Callable[..., Party], server: RedisServer) -> None:
    """Without this the key would be barred for the whole minute of its lease."""
    party, other = parties(server.url(), budget_us=BUDGET_US), parties(server.url())
    run = party.l1._couriers._servers.run  # noqa: SLF001 - an answer is lost nowhere else
    lost: list[list[list[int]]] = []

    async def loses_the_first(name: str, words: list[object]) -> object:
        answer = await run(name, words)  # type: ignore[arg-type] # handed through
        if not lost:
            lost.append(answer)  # type: ignore[arg-type] # of an ask
            raise StoreAway("the connection broke")
        return answer

    party.l1._couriers._servers.run = loses_the_first  # type: ignore[method-assign,assignment] # noqa: SLF001 - as above
    with pytest.raises(StoreAway):
        await party.ask()
    ((_, leased, *_),) = lost[0]
    assert leased, "the lease was given"
    await until(lambda: party.healths.away == (), at_most_s=BACK_S)
    assert await until_true(lambda: _leads(other))


async def test_a_server_that_stood_still_gives_no_lease_to_who_left(
    parties: Callable[..., Party], server: RedisServer
) -> None:
    party, other = parties(server.url(), budget_us=BUDGET_US), parties(server.url())
    await party.l1.start()
    party.l1._lost = deque(maxlen=0)  # noqa: SLF001 - so that it cannot be given back either
    server.pause()
    assert await party.timed(party.ask()) < BUDGET_US + LAG_US
    paused_us = now_us()
    await until(lambda: now_us() > paused_us + LAG_US, at_most_s=BACK_S)
    server.resume()
    await until(lambda: party.healths.away == (), at_most_s=BACK_S)
    assert await _leads(other)


async def test_a_flushed_server_learns_the_script_anew(parties: Callable[..., Party], clean_redis_url: str) -> None:
    party = parties(clean_redis_url)
    assert await party.ask("house/a") is not None
    with Redis.from_url(clean_redis_url) as client:
        client.script_flush()
    assert await party.ask("house/b") is not None


@pytest.mark.parametrize(("lose", "mend"), [("pause", "resume"), ("kill", "start")])
async def test_a_node_that_is_lost_takes_its_own_keys_only(
    parties: Callable[..., Party], redis_cluster: RedisCluster, lose: str, mend: str
) -> None:
    redis_cluster.empty()
    party = parties(redis_cluster.url, budget_us=500_000)
    await party.l1.start()
    await asyncio.gather(*(party.ask(key) for key in KEYS))
    node = redis_cluster.nodes[0]
    getattr(node, lose)()
    try:
        lost = [key for key in KEYS if not await asyncio.create_task(_answers(party, key))]
        assert 0 < len(lost) < len(KEYS)
        assert party.healths.away == (node.address,)
    finally:
        getattr(node, mend)()
        redis_cluster.ready()
    await until(lambda: party.healths.away == (), at_most_s=BACK_S)
    assert await until_true(lambda: _all_answer(party))


async def test_who_waited_for_one_node_in_vain_waits_for_no_other(
    parties: Callable[..., Party], redis_cluster: RedisCluster
) -> None:
    """A request asks one node for its window and another for its key: together they may cost it one budget."""
    redis_cluster.empty()
    party = parties(redis_cluster.url, budget_us=500_000)
    await party.l1.start()
    await party.limiter.start()
    await asyncio.gather(*(party.ask(key) for key in KEYS))
    node = redis_cluster.nodes[0]
    node.pause()
    try:
        await asyncio.create_task(_one_request(party, node.address))
        assert party.healths.away == (node.address,)
        others = [await asyncio.create_task(_answers(party, key)) for key in KEYS]
        assert any(others), "another request finds the nodes that answer"
    finally:
        node.resume()
        redis_cluster.ready()
    await until(lambda: party.healths.away == (), at_most_s=BACK_S)


async def _one_request(party: Party, hanging: str) -> None:
    """People are met until the window of one lies on the node that hangs."""
    await party.limiter.admit(somebody(), LONG)
    while hanging not in party.healths.away:
        await party.limiter.admit(somebody(), LONG)
    assert not any([await _answers(party, key) for key in KEYS])


async def _answers(party: Party, key: str) -> bool:
    try:
        await party.ask(key)
    except StoreAway:
        return False
    return True


async def _all_answer(party: Party) -> bool:
    return all([await asyncio.create_task(_answers(party, key)) for key in KEYS])


@dataclass
class Ears:
    """Who hears."""

    freed: list[str] = field(default_factory=list)
    filled_keys: list[str] = field(default_factory=list)
    marked: dict[str, int] = field(default_factory=dict)
    missed_times: int = 0

    def free(self, key: str) -> None:
        self.freed.append(key)

    def filled(self, key: str) -> None:
        self.filled_keys.append(key)

    def outdated(self, key: str, floor: int) -> None:
        self.marked[key] = floor

    async def missed(self) -> None:
        self.missed_times += 1


async def test_others_hear_of_what_one_does(parties: Callable[..., Party], url: str) -> None:
    party, ears = parties(url), Ears()
    line = open_notices(url, ears)
    line.start()
    await until(lambda: line.listening, at_most_s=BACK_S)
    floor = await party.l1.invalidate("house/p")
    lease = await party.ask("house/q")
    assert lease is not None
    await party.l1.write(lease, entry(epoch=lease.epoch), STORED)
    given = await party.ask("house/r")
    assert given is not None
    await party.l1.release(given)
    await until(lambda: ears.freed == ["house/r"], at_most_s=BACK_S)
    assert (ears.marked, ears.filled_keys) == ({"house/p": floor}, ["house/q"])
    assert ears.missed_times == 1
    await line.close()


async def test_a_line_that_broke_says_that_something_may_have_been_missed(server: RedisServer) -> None:
    ears = Ears()
    line = open_notices(server.url(), ears)
    line.start()
    await until(lambda: line.listening, at_most_s=BACK_S)
    server.pause()
    await until(lambda: not line.listening, at_most_s=BACK_S)
    server.resume()
    await until(lambda: line.listening and ears.missed_times == 2, at_most_s=BACK_S)
    server.kill()
    await until(lambda: not line.listening, at_most_s=BACK_S)
    server.start()
    await until(lambda: line.listening and ears.missed_times == 3, at_most_s=BACK_S)
    await line.close()
