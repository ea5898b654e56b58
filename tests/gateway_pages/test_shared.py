"""Instances that share a Redis show each other's snapshots; one that has lost it shows its own, and nobody waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from gatespec.clock import now_ns
from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.redis import RedisServer
from reference_gateway.adapters.redis import snapshots as adapter
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.pages import ProviderList, moment_of
from reference_gateway.core.problems import Problem
from reference_gateway.core.query import Query
from reference_gateway.edge import clock, cursors, pages, snapshots
from reference_gateway.edge.pages import Further
from tests.gateway_pages.conftest import LIFE_MS, Instance
from tests.gateway_pages.offers_at_hand import list_of, offer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.nursery import Nursery
    from reference_gateway.core.pages import Moment

Opens = Callable[..., Instance]
BUDGET_S = 0.05
LAG_S = 1.0
"""What a busy machine may add to a wait before a test calls it a hang."""
TEN = Query(limit=10)


def now_moment(*providers: str, count: int = 45) -> Moment:
    """Lists of 45 offers each, read just now."""
    now_ms = clock.epoch_ms()
    return moment_of(
        [list_of(name, tuple(offer(name, number) for number in range(count)), now_ms) for name in providers], [], now_ms
    )


def known_by(instance: Instance, moment: Moment) -> Moment:
    """The same moment as an instance has it from lists of its own."""
    own = [instance.snapshots.list_of(each.provider, each.as_of_ms, each.offers) for each in moment.lists]
    assert own == list(moment.lists)
    return moment_of(own, moment.warnings, moment.as_of_ms)


def shown(body: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(body)
    return read


async def follow(instance: Instance, cursor: str, query: Query = TEN) -> Further:
    page = await instance.pages.follow(query, cursor)
    assert isinstance(page, Further), page
    return page


async def code(instance: Instance, cursor: str, query: Query = TEN) -> str:
    problem = await instance.pages.follow(query, cursor)
    assert isinstance(problem, Problem), problem
    return problem.code


async def first_cursor(instance: Instance, moment: Moment, query: Query = TEN) -> str:
    page = await instance.pages.first(query, known_by(instance, moment))
    return str(shown(page.entry.body)["next_cursor"])


@pytest.fixture(params=["single", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """A Redis of each kind, empty."""
    fixture = {"single": "clean_redis_url", "cluster": "clean_redis_cluster_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def server(stack_nursery: Nursery) -> Iterator[RedisServer]:
    """A server of the test's own, to break."""
    server = RedisServer(stack_nursery, chosen(find_redis()))
    server.start()
    server.ready()
    yield server
    server.stop()


async def test_every_instance_shows_every_page_of_one_snapshot(opened: Opens, url: str) -> None:
    instances = [opened(url) for _ in range(3)]
    moment = now_moment("lambda", "vast")
    page = await instances[0].pages.first(TEN, known_by(instances[0], moment))
    read = shown(page.entry.body)
    ids, moments, turn = [item["id"] for item in read["items"]], set(), 0
    while read["next_cursor"] is not None:
        turn += 1
        read = shown((await follow(instances[turn % 3], read["next_cursor"])).entry.body)
        ids += [item["id"] for item in read["items"]]
        moments.add((read["snapshot_id"], read["as_of"], read["total"]))
    assert turn == 8
    assert sorted(ids) == sorted(each.id for listed in moment.lists for each in listed.offers)
    assert len(moments) == 1


async def test_an_instance_asks_redis_once_for_a_snapshot(opened: Opens, url: str) -> None:
    first, second = opened(url), opened(url)
    cursor = await first_cursor(first, now_moment("lambda"))
    tiers = [(await follow(instance, cursor)).tier for instance in (first, second, second)]
    assert tiers == ["l2", "l1", "l2"]


async def test_lists_that_an_instance_still_has_are_not_read_again(opened: Opens, clean_redis_url: str) -> None:
    first, second = opened(clean_redis_url), opened(clean_redis_url)
    moment = now_moment("lambda", "vast")
    cursor = await first_cursor(first, moment)
    known_by(second, moment)
    with Redis.from_url(clean_redis_url) as redis:
        assert redis.delete(*redis.keys("snapshot:list:*")) == 2
    assert (await follow(second, cursor)).tier == "l1"


async def test_a_newer_list_is_not_shown_in_its_place(opened: Opens, clean_redis_url: str) -> None:
    first, second = opened(clean_redis_url), opened(clean_redis_url)
    moment = now_moment("lambda", "vast")
    cursor = await first_cursor(first, moment)
    known_by(second, now_moment("lambda", count=3))
    page = await follow(second, cursor)
    assert (page.tier, shown(page.entry.body)["total"]) == ("l1", 90)


async def test_a_snapshot_of_which_a_list_is_missing_is_gone(opened: Opens, clean_redis_url: str) -> None:
    first, second = opened(clean_redis_url), opened(clean_redis_url)
    cursor = await first_cursor(first, now_moment("lambda", "vast"))
    with Redis.from_url(clean_redis_url) as redis:
        redis.delete(redis.keys("snapshot:list:*:vast:*")[0])
    assert await code(second, cursor) == "snapshot-expired"


@pytest.mark.parametrize("blob", [b"", b"nonsense"])
async def test_what_cannot_be_read_in_redis_is_gone(opened: Opens, clean_redis_url: str, blob: bytes) -> None:
    first, second = opened(clean_redis_url), opened(clean_redis_url)
    cursor = await first_cursor(first, now_moment("lambda"))
    with Redis.from_url(clean_redis_url) as redis:
        for key in redis.keys("snapshot:list:*"):
            redis.set(key, blob)
    assert await code(second, cursor) == "snapshot-expired"


async def test_two_instances_hand_out_the_same_page(opened: Opens, url: str) -> None:
    first, second, moment = opened(url), opened(url), now_moment("lambda")
    once, again = [await instance.pages.first(TEN, known_by(instance, moment)) for instance in (first, second)]
    assert once.entry == again.entry


async def test_filters_and_sort_are_the_cursors_and_the_limit_is_free(opened: Opens, clean_redis_url: str) -> None:
    instance = opened(clean_redis_url)
    cursor = await first_cursor(instance, now_moment("lambda"))
    for other in (
        replace(TEN, sort="-price"),
        replace(TEN, providers=frozenset({"lambda"})),
        replace(TEN, min_gpu_count=1),
    ):
        assert await code(instance, cursor, other) == "cursor-mismatch"
    page = await follow(instance, cursor, replace(TEN, limit=100))
    assert len(shown(page.entry.body)["items"]) == 35


async def test_a_list_is_stored_once_whatever_is_asked_of_it(
    opened: Opens, clean_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's filters cost a manifest for each set of providers, and no more."""
    monkeypatch.setattr(cursors, "LEARN_EVERY_NS", 10**12)
    first, second, moment = opened(clean_redis_url), opened(clean_redis_url), now_moment("lambda", "vast")
    with Redis.from_url(clean_redis_url) as redis:
        redis.config_resetstat()
        for least in range(1, 30):
            for instance in (first, second):
                await first_cursor(instance, moment, replace(TEN, limit=least))
        await first_cursor(first, moment_of(moment.lists[:1], [], moment.as_of_ms))
        keys = [key.decode() for key in redis.scan_iter()]
        lives_ms = [redis.pttl(key) for key in keys if key != "snapshot:key"]
        stats = redis.info("commandstats")
    kinds = sorted(key.rpartition(":")[0] for key in keys)
    assert kinds == ["snapshot", "snapshot", "snapshot", "snapshot:list:2:lambda", "snapshot:list:2:vast"]
    assert stats["cmdstat_set"]["calls"] == 2 * (1 + 2 + 1) + 1, "each instance: the key, two lists, the manifest"
    assert all(0 < life_ms <= LIFE_MS * 3 // 2 for life_ms in lives_ms)


async def test_a_page_without_a_next_one_stores_nothing(opened: Opens, clean_redis_url: str) -> None:
    instance = opened(clean_redis_url)
    page = await instance.pages.first(replace(TEN, limit=100), known_by(instance, now_moment("lambda")))
    assert (shown(page.entry.body)["next_cursor"], page.until_ms) == (None, None)
    with Redis.from_url(clean_redis_url) as redis:
        assert redis.keys() == []


async def test_a_cursor_ends_with_its_snapshot(opened: Opens, clean_redis_url: str) -> None:
    instance = opened(clean_redis_url, life_ms=300)
    cursor = await first_cursor(instance, now_moment("lambda"))
    until_ns = now_ns() + 10 * 10**9
    while isinstance(await instance.pages.follow(TEN, cursor), Further):
        assert now_ns() < until_ns
        await asyncio.sleep(0.02)
    assert await code(instance, cursor) == "snapshot-expired"
    with Redis.from_url(clean_redis_url) as redis:
        assert redis.pttl("snapshot:key") == -1


async def test_what_is_old_already_can_be_followed(opened: Opens, clean_redis_url: str) -> None:
    """Providers have been away for an hour: what was last known of them has pages all the same."""
    instance, fresh = opened(clean_redis_url), now_moment("lambda")
    old = list_of("lambda", fresh.lists[0].offers, fresh.as_of_ms - 3_600_000)
    cursor = await first_cursor(instance, moment_of([old], [], fresh.as_of_ms))
    assert shown((await follow(instance, cursor)).entry.body)["total"] == 45


async def test_what_redis_does_not_know_is_shown_by_who_took_it_for_a_second(
    opened: Opens, server: RedisServer
) -> None:
    first, second = opened(server.url(), budget_s=BUDGET_S), opened(server.url(), budget_s=BUDGET_S)
    await first.cursors.learn()
    await second.cursors.learn()
    server.pause()
    before_ns, now_ms = now_ns(), clock.epoch_ms()
    page = await first.pages.first(TEN, known_by(first, now_moment("lambda")))
    assert (now_ns() - before_ns) / 1e9 < 2 * BUDGET_S + LAG_S
    assert page.until_ms is not None
    assert page.until_ms <= now_ms + pages.UNKEPT_MS + LAG_S * 1000
    cursor = shown(page.entry.body)["next_cursor"]
    assert (await follow(first, cursor)).tier == "l2"
    assert await code(second, cursor) == "snapshot-expired"
    server.resume()


async def test_a_write_that_takes_too_long_is_finished_without_its_reader(
    opened: Opens, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of it than lies in any socket while the server stands still."""
    monkeypatch.setattr(adapter, "FINISH_S", 60.0)
    blobs = {f"late-{number}": bytes([number]) * adapter.BLOB_MAX_BYTES for number in range(4)}
    instance = opened(server.url(), budget_s=BUDGET_S)
    await instance.store.put({"met": b"before"}, LIFE_MS)
    server.pause()
    with pytest.raises(StoreAway):
        await instance.store.put(blobs, LIFE_MS)
    server.resume()
    until_ns = now_ns() + 10 * 10**9
    with Redis.from_url(server.url()) as redis:
        while redis.exists(*blobs) < len(blobs):
            assert now_ns() < until_ns
            await asyncio.sleep(0.02)


async def test_who_has_never_met_redis_hands_out_cursors_of_its_own(opened: Opens, clean_redis_url: str) -> None:
    alone, other = opened(clean_redis_url), opened(clean_redis_url)
    alone.loses_redis()
    await other.cursors.learn()
    cursor = await first_cursor(alone, now_moment("lambda"))
    assert (await follow(alone, cursor)).tier == "l2"
    assert await code(other, cursor) == "snapshot-expired"
    shared = await first_cursor(other, now_moment("vast"))
    assert await code(alone, shared) == "snapshot-expired"
    assert await code(alone, "A" * 60) == "cursor-invalid"


async def test_while_redis_is_known_to_be_away_nobody_asks_it(opened: Opens, clean_redis_url: str) -> None:
    instance = opened(clean_redis_url)
    instance.loses_redis()
    await first_cursor(instance, now_moment("lambda"))
    with Redis.from_url(clean_redis_url) as redis:
        assert redis.keys() == []
    for asking in (instance.store.get(["x"]), instance.store.put({"x": b""}, 1), instance.store.agree(b"x")):
        with pytest.raises(StoreAway):
            await asking


async def test_who_spent_a_budget_in_vain_spends_no_second_one_at_once(opened: Opens, server: RedisServer) -> None:
    instance = opened(server.url(), budget_s=1.0)
    server.pause()
    with pytest.raises(StoreAway, match="no answer"):
        await instance.store.get(["x"])
    before_ns = now_ns()
    for asking in (instance.store.get(["x"]), instance.store.put({"x": b""}, 1), instance.store.agree(b"x")):
        with pytest.raises(StoreAway, match="away"):
            await asking
    assert (now_ns() - before_ns) / 1e9 < 1.0
    server.resume()


async def test_journeys_are_bounded(opened: Opens, server: RedisServer) -> None:
    instance = opened(server.url(), budget_s=BUDGET_S)
    server.pause()
    waiting = [asyncio.create_task(instance.store.get(["x"])) for _ in range(adapter.IN_FLIGHT_MAX)]
    await asyncio.sleep(0)
    before_ns = now_ns()
    with pytest.raises(StoreAway, match="too much to do"):
        await instance.store.get(["x"])
    assert (now_ns() - before_ns) / 1e9 < BUDGET_S
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in ended} == {StoreAway}
    server.resume()


async def test_instances_agree_on_one_key_however_they_meet(opened: Opens, url: str) -> None:
    instances = [opened(url) for _ in range(5)]
    await asyncio.gather(*(instance.cursors.learn() for instance in instances))
    cursor = await first_cursor(instances[0], now_moment("lambda"))
    assert {(await follow(instance, cursor)).entry for instance in instances} == {
        (await follow(instances[0], cursor)).entry
    }


async def test_forged_cursors_ask_redis_once_a_second_at_most(opened: Opens, clean_redis_url: str) -> None:
    instance = opened(clean_redis_url)
    await first_cursor(instance, now_moment("lambda"))
    with Redis.from_url(clean_redis_url) as redis:
        redis.config_resetstat()
        began_ns = now_ns()
        assert {await code(instance, "B" * 60) for _ in range(200)} == {"cursor-invalid"}
        seconds = (now_ns() - began_ns) // 10**9 + 1
        stats = redis.info("commandstats")
    assert stats.get("cmdstat_set", {"calls": 0})["calls"] <= seconds


async def test_a_key_that_redis_lost_is_planted_again_and_both_are_read(
    opened: Opens, clean_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursors, "LEARN_EVERY_NS", 0)
    first, second = opened(clean_redis_url), opened(clean_redis_url)
    old = await first_cursor(first, now_moment("lambda"))
    with Redis.from_url(clean_redis_url) as redis:
        redis.delete("snapshot:key")
        await second.cursors.learn()
        assert await code(second, old) == "cursor-invalid", "it has never seen the key that is lost"
    new = await first_cursor(second, now_moment("vast"))
    assert (await follow(first, new)).tier == "l1"
    assert (await follow(first, old)).tier == "l2"
    third = opened(clean_redis_url)
    assert (await follow(third, await first_cursor(first, now_moment("other")))).tier == "l1", (
        "both seal with the new one"
    )


async def test_who_keeps_a_snapshot_sees_to_it_that_the_key_is_there(
    opened: Opens, clean_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursors, "LEARN_EVERY_NS", 0)
    first = opened(clean_redis_url)
    old = await first_cursor(first, now_moment("lambda"))
    with Redis.from_url(clean_redis_url) as redis:
        redis.delete("snapshot:key")
    await first_cursor(first, now_moment("vast"))
    assert (await follow(opened(clean_redis_url), old)).tier == "l1"


async def test_memory_is_bounded_however_much_is_asked(
    opened: Opens, clean_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "RECENT_OFFERS_MAX", 500)
    monkeypatch.setattr(snapshots, "KEPT_MAX", 20)
    monkeypatch.setattr(pages, "SELECTED_MAX", 300)
    instance, other = opened(clean_redis_url), opened(clean_redis_url)
    for cursor in [await first_cursor(instance, now_moment(f"lambda-{number}")) for number in range(50)]:
        assert shown((await follow(other, cursor)).entry.body)["total"] == 45
        assert shown((await follow(instance, cursor)).entry.body)["total"] == 45
    for each in (instance, other):
        assert each.snapshots.offers <= 500
        assert each.snapshots.remembered <= 20
        assert each.pages.selected <= 300


async def test_versions_are_made_once_for_each_list(opened: Opens, clean_redis_url: str) -> None:
    held = opened(clean_redis_url).snapshots
    some = tuple(offer("lambda", number) for number in range(3))
    first = held.list_of("lambda", 1, some)
    assert held.list_of("lambda", 1, some) is first
    assert held.list_of("lambda", 2, some) != first
    assert isinstance(held.list_of("lambda", 2, some[:1]), ProviderList)
