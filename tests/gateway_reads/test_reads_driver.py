"""The read path in process, over memory and over a real Redis: tiers, flights, leases, what is shown and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.conformance.world import StoreState
    from tests.gateway_reads.judge import Judge

TTL_MS = 60_000
LEASE_MS = 6_000


def test_each_miss_fills_the_tiers_above(judge: Judge) -> None:
    first = judge.read()
    assert (first.serials, first.tiers, first.took_ms) == ({"p": 1}, "l1; fwd=miss; stored, l2; fwd=miss; stored", 100)
    assert judge.read().tiers == "l2; hit; ttl=59"
    assert judge.read(instance=1).tiers == "l1; hit; ttl=59, l2; fwd=miss; stored"
    assert judge.read(instance=1).tiers == "l2; hit; ttl=59"
    assert judge.calls() == {"p": 1}


def test_a_list_is_fresh_for_its_ttl_from_the_beginning_of_its_call(judge: Judge) -> None:
    judge.read()
    judge.run(TTL_MS - 100 - 1)
    assert (judge.read().serials, judge.read(instance=1).serials) == ({"p": 1}, {"p": 1})
    judge.run(1)
    assert judge.read().serials == {"p": 2}


def test_a_crowd_of_readers_makes_one_call(judge: Judge) -> None:
    tickets = [judge.submit(instance=n % 2) for n in range(50)]
    judge.run(100)
    assert {judge.seen(ticket).status for ticket in tickets} == {200}
    assert judge.calls() == {"p": 1}


def test_on_expiry_one_waits_and_the_others_are_shown_the_old_one(judge: Judge) -> None:
    judge.read()
    judge.read(instance=1)
    judge.run(TTL_MS)
    tickets = [judge.submit(instance=n % 2) for n in range(6)]
    judge.run(0)
    assert sorted(judge.heard)[2:] == tickets[1:]
    assert {(tuple(judge.seen(t).warnings), judge.seen(t).serials["p"]) for t in tickets[1:]} == {
        ((("p", "stale"),), 1)
    }
    judge.run(100)
    assert (judge.seen(tickets[0]).serials, judge.seen(tickets[0]).warnings) == ({"p": 2}, [])
    assert judge.calls() == {"p": 2}


def test_what_expired_more_than_a_ttl_ago_is_waited_for(judge: Judge) -> None:
    judge.read()
    judge.read(instance=1)
    judge.run(2 * TTL_MS)
    tickets = [judge.submit(instance=n % 2) for n in range(6)]
    judge.run(99)
    assert not judge.heard.keys() & set(tickets)
    judge.run(1)
    assert {judge.seen(t).serials["p"] for t in tickets} == {2}
    assert judge.calls() == {"p": 2}


def test_a_lost_leader_is_followed_by_another(judge: Judge) -> None:
    judge.provider(latency_ms=3_000)
    judge.submit(instance=0)
    judge.run(1_000)
    ticket = judge.submit(instance=1)
    judge.driver.life(0, "killed")
    judge.run(4_800)
    assert judge.seen(ticket).status == 504
    judge.run(LEASE_MS)
    assert judge.read(instance=1).tiers == "l2; hit; ttl=54"
    assert [instance for _, instance in judge.providers["p"].calls] == [0, 1]


def test_the_late_write_of_a_paused_leader_is_refused(judge: Judge) -> None:
    judge.provider(latency_ms=1_000)
    judge.submit(instance=0)
    judge.run(500)
    judge.driver.life(0, "paused")
    judge.run(LEASE_MS)
    assert judge.read(instance=1).serials == {"p": 2}
    judge.driver.life(0, "running")
    judge.run(10)
    assert judge.read(instance=1).serials == {"p": 2}
    assert judge.read(instance=0).serials == {"p": 2}
    assert judge.calls() == {"p": 2}


def test_an_early_draw_refreshes_in_the_background(judge: Judge) -> None:
    judge.read()
    judge.run(30_000)
    judge.dice = 0.0
    assert judge.read().tiers.startswith("l2; hit; ttl=29")
    judge.run(100)
    assert judge.calls() == {"p": 1}
    judge.run(28_000)
    early = judge.read()
    assert (early.serials, early.warnings) == ({"p": 1}, [])
    judge.run(100)
    judge.dice = 0.999999
    assert judge.read().serials == {"p": 2}
    assert judge.calls() == {"p": 2}


def test_with_beta_zero_nothing_is_refreshed_early(judges: Callable[..., Judge]) -> None:
    judge = judges(GATEWAY_XFETCH_BETA="0")
    judge.provider()
    judge.read()
    judge.dice = 0.0
    judge.run(TTL_MS - 101)
    judge.read()
    judge.run(1_000)
    assert judge.calls() == {"p": 1}


def test_an_invalidated_key_is_shown_as_stale_until_the_new_one_is_there(judge: Judge) -> None:
    judge.read()
    judge.read(instance=1)
    assert judge.invalidate() == 202
    for instance in (0, 1):
        seen = judge.read(instance)
        assert (seen.serials, seen.warnings, seen.took_ms) == ({"p": 1}, [("p", "stale")], 0)
    judge.run(100)
    for instance in (0, 1):
        assert judge.read(instance).serials == {"p": 2}
    assert judge.calls() == {"p": 2}


def test_when_the_new_one_is_there_every_instance_that_held_the_old_one_has_it(judge: Judge) -> None:
    judge.read()
    judge.read(instance=1)
    judge.invalidate()
    judge.run(101)
    for instance in (0, 1):
        seen = judge.read(instance)
        assert (seen.serials, seen.warnings, seen.tiers) == ({"p": 2}, [], "l2; hit; ttl=59")


def test_what_was_fetched_without_the_store_is_not_outdated_when_it_is_back(judge: Judge) -> None:
    judge.provider("q")
    judge.read()
    judge.invalidate()
    judge.run(200)
    judge.driver.store("refusing")
    judge.read(path="/api/v2/providers?provider=q")
    judge.driver.store("well")
    judge.run(1_000)
    assert judge.read(path="/api/v2/providers?provider=q").tiers == "l2; hit; ttl=58"
    assert judge.calls()["q"] == 1


@pytest.mark.parametrize("latency_ms", [50, 500])
def test_what_was_invalidated_while_an_instance_heard_nothing_is_found_out(judge: Judge, latency_ms: int) -> None:
    """Whether the new list is there by then or still on its way."""
    judge.read()
    judge.read(instance=1)
    judge.provider(latency_ms=latency_ms)
    judge.driver.instances[1].line.lose()
    judge.invalidate()
    judge.run(99)
    assert judge.read(instance=1).warnings == [], "it did not hear of it"
    judge.run(1)
    assert judge.read(instance=1).warnings == ([("p", "stale")] if latency_ms > 100 else [])
    judge.run(latency_ms)
    assert (judge.read(instance=1).serials, judge.read(instance=1).warnings) == ({"p": 2}, [])
    assert judge.calls() == {"p": 2}


def test_a_call_under_way_when_its_key_is_invalidated_brings_nothing_new(judge: Judge) -> None:
    judge.submit()
    judge.run(50)
    judge.invalidate(instance=1)
    judge.run(60)
    seen = judge.read()
    assert (seen.serials, seen.warnings) == ({"p": 1}, [("p", "stale")])
    judge.run(100)
    assert (judge.read().serials, judge.read(1).serials) == ({"p": 2}, {"p": 2})


@pytest.mark.parametrize(
    ("credential", "status"),
    [
        ({"kind": "service", "name": "s", "plan": "free", "scope": "read"}, 403),
        ({"kind": "user", "name": "s", "plan": "free", "scope": "operate"}, 403),
    ],
)
def test_who_may_not_invalidate_is_told_so(judge: Judge, credential: dict[str, str], status: int) -> None:
    assert judge.invalidate(credential=credential) == status


def test_a_store_that_hangs_costs_the_budget_once(judge: Judge) -> None:
    judge.driver.store("hanging")
    assert (judge.read().took_ms, judge.read().took_ms) == (150, 0)
    judge.provider("q")
    assert judge.read(path="/api/v2/providers?provider=q").took_ms == 100
    assert judge.read(path="/api/v2/providers?provider=q").tiers == "l2; hit; ttl=59"


@pytest.mark.parametrize("state", ["refusing", "hanging"])
def test_a_store_that_is_back_is_used_and_filled_again(judge: Judge, state: StoreState) -> None:
    judge.driver.store(state)
    assert judge.read().tiers == "l2; fwd=miss; stored"
    judge.driver.store("well")
    judge.run(1_000)
    judge.provider("q")
    path = "/api/v2/providers?provider=q"
    assert judge.read(path=path).tiers == "l1; fwd=miss; stored, l2; fwd=miss; stored"
    assert judge.read(1, path).tiers.startswith("l1; hit")


def test_failures_are_never_cached_and_the_last_known_is_shown(judge: Judge) -> None:
    judge.read()
    judge.provider(status=500)
    judge.run(2 * TTL_MS)
    seen = judge.read()
    assert (seen.serials, seen.warnings, seen.tiers) == ({"p": 1}, [("p", "stale")], "l2; hit; ttl=-61")
    assert seen.body["warnings"][0]["as_of"] == seen.body["as_of"]
    judge.provider()
    assert judge.read().serials == {"p": 3}


@pytest.mark.parametrize(("latency_ms", "status"), [(4_000, 504), (100, 503)])
def test_with_nothing_known_it_says_so(judge: Judge, latency_ms: int, status: int) -> None:
    judge.provider(latency_ms=latency_ms, status=500)
    seen = judge.read()
    assert (seen.status, seen.tiers) == (status, "l1; fwd=miss, l2; fwd=miss")
    assert judge.heard[1].headers.get("retry-after") == (None if status == 504 else "1")


def test_a_provider_slower_than_the_deadline_is_left_out(judges: Callable[..., Judge]) -> None:
    judge = judges(GATEWAY_UPSTREAM_TIMEOUT_S="20", GATEWAY_LEASE_S="25")
    judge.provider("slow", latency_ms=8_000)
    judge.provider("quick")
    both = "/api/v2/providers?provider=slow&provider=quick"
    seen = judge.read(path=both)
    assert (seen.status, seen.serials, seen.warnings) == (200, {"quick": 1}, [("slow", "timeout")])
    assert 4_500 < seen.took_ms <= 5_000
    judge.run(4_000)
    assert judge.read(path=both).serials == {"quick": 1, "slow": 1}
    assert judge.calls() == {"slow": 1, "quick": 1}


def test_all_calls_begin_at_once(judge: Judge) -> None:
    names = [f"p{n}" for n in range(200)]
    for n, name in enumerate(names):
        judge.provider(name, latency_ms=n)
    seen = [
        judge.read(path="/api/v2/providers?" + "&".join(f"provider={name}" for name in names[n : n + 60])) for n in (0,)
    ]
    assert seen[0].took_ms == 59
    assert {begun for name in names[:60] for begun, _ in judge.providers[name].calls} == {judge.clock.ms - 59}


def test_with_a_ttl_of_zero_nothing_is_fresh_but_the_last_is_known(judges: Callable[..., Judge]) -> None:
    judge = judges(GATEWAY_TTL_PRICING_S="0")
    judge.provider()
    assert [judge.read().serials["p"] for _ in range(3)] == [1, 2, 3]
    assert judge.read().tiers == "l1; fwd=stale, l2; fwd=stale"
    judge.provider(status=500)
    seen = judge.read()
    assert (seen.serials, seen.warnings) == ({"p": 4}, [("p", "stale")])


def test_what_is_too_old_is_not_shown(judge: Judge) -> None:
    judge.read()
    judge.provider(status=500)
    judge.run(86_400_000)
    assert judge.read().status == 503


def test_a_leader_that_works_longer_than_its_lease_is_not_robbed(judges: Callable[..., Judge]) -> None:
    judge = judges(GATEWAY_LEASE_S="1")
    judge.provider(latency_ms=3_000)
    tickets = [judge.submit(instance=n) for n in (0, 1)]
    judge.run(3_000)
    assert [judge.seen(ticket).serials for ticket in tickets] == [{"p": 1}, {"p": 1}]
    assert judge.calls() == {"p": 1}


def test_a_new_instance_is_served_from_the_store(judge: Judge) -> None:
    judge.read()
    judge.driver.life(0, "killed")
    judge.driver.life(0, "running")
    assert judge.read().tiers == "l1; hit; ttl=59, l2; fwd=miss; stored"


def test_the_catalogue_is_of_lists_that_are_older_than_the_lists_themselves_may_be(judge: Judge) -> None:
    judge.read()
    judge.run(4 * TTL_MS)
    catalogue = judge.read(path="/api/v2/providers/catalog")
    assert (catalogue.status, catalogue.took_ms, catalogue.warnings) == (200, 0, [])
    assert [(each["name"], each["total"]) for each in catalogue.body["providers"]] == [("p", 1)]
    assert judge.calls() == {"p": 1}
    judge.run(TTL_MS)
    assert judge.read(path="/api/v2/providers/catalog").took_ms == 100
    assert judge.calls() == {"p": 2}


def test_one_offer_is_as_fresh_as_its_own_providers_list(judge: Judge) -> None:
    judge.provider("q")
    offer_id = judge.read().body["items"][0]["id"]
    judge.run(1_000)
    judge.read(path="/api/v2/providers?provider=q")
    found = judge.read(path=f"/api/v2/providers/{offer_id}")
    assert (found.body["provider"], found.tiers) == ("p", "l2; hit; ttl=58")
    assert judge.read(path="/api/v2/providers/0123456789abcdef").status == 404
