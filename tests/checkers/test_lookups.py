"""Where a read looked: ledger, Cache-Status and cost, each right one beside its wrong one."""

from __future__ import annotations

import pytest

from gatespec.checkers.lookups import judge_lookups
from gatespec.checkers.outages import FOUND_BACK_MS, StoreTimes
from tests.checkers.written import Story

MISS = "l1; fwd=miss, l2; fwd=miss; stored"
FROM_L1 = "l1; hit, l2; fwd=miss; stored"
FROM_L2 = "l2; hit"
ALONE = "l2; fwd=miss; stored"


def fault(story: Story) -> str:
    breaches = judge_lookups(story.example, 0).breaches
    return breaches[0].what if breaches else ""


def fetched() -> Story:
    """Instance 0 fetched call 1."""
    return Story().call(0, 0).read(0, 0, 1, tiers=MISS)


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        (fetched().read(10, 10, 1, tiers=FROM_L2), ""),
        (fetched().read(10, 10, 1, tiers=FROM_L1), "asked first and alone"),
        (fetched().call(10, 10).read(10, 10, 2, tiers=MISS), "asked although L2"),
        (fetched().read(10, 10, 1, tiers=FROM_L1, instance=1), ""),
        (fetched().call(10, 10).read(10, 10, 2, tiers=MISS, instance=1), "asked although L1"),
        (fetched().read(10, 10, 1, tiers=MISS, instance=1), "neither tier has a hit"),
        (fetched().read(10, 10, 1, tiers="l2; fwd=miss, l1; hit", instance=1), "stands first"),
        (fetched().call(2000, 2000).read(2000, 2000, 2, tiers=FROM_L2), "no tier held"),
        (fetched().call(2000, 2000).read(2000, 2000, 2, tiers=ALONE), "looked for in L1 next"),
        (fetched().call(2000, 2000).read(2000, 2000, 2), "Cache-Status is missing"),
        (Story().call(0, 0).read(0, 0, status=500), "answered 500"),
    ],
)
def test_the_order_of_the_tiers(story: Story, wrong: str) -> None:
    assert wrong in fault(story)
    assert bool(wrong) == bool(fault(story))


def test_what_l2_held_may_be_dropped_when_redis_is_found_back() -> None:
    away = fetched().done("store", "", "refusing", 100)
    assert "asked although L2" in fault(away.call(200, 200).read(200, 200, 2, tiers=ALONE))
    back = fetched().done("store", "", "refusing", 100).done("store", "", "well", 200)
    back = back.call(300, 300).read(300, 300, 2, tiers=ALONE)
    assert fault(back) == ""
    after_all = back.call(6000, 6000).read(6000, 6000, 3, tiers=MISS).call(6010, 6010).read(6010, 6010, 4, tiers=MISS)
    assert "asked although L2" in fault(after_all)


def hanging() -> Story:
    """After a read that cost nothing, Redis hangs from 100 on; the budget is 50 ms."""
    return fetched().done("store", "", "hanging", 100)


def missed(story: Story, sent: int, cost: int) -> Story:
    """A read that no tier answers, and what it took beside its call."""
    sent += 2000
    return story.call(sent + cost, sent + cost).read(sent, sent + cost, len(story.calls), tiers=ALONE)


def test_a_redis_that_hangs_costs_its_budget_once() -> None:
    assert fault(missed(hanging(), 0, 50)) == ""
    assert "cost a request 51 ms; it may cost 50 ms" in fault(missed(hanging(), 0, 51))
    assert fault(missed(missed(hanging(), 0, 50), 2000, 0)) == ""
    assert "nothing, for this instance knew" in fault(missed(missed(hanging(), 0, 50), 2000, 1))


def test_each_node_of_a_cluster_that_hangs_costs_its_budget_once() -> None:
    """Which node has which key nobody can see: three reads may each have met another one, a fourth may not."""
    story = hanging()
    story.binding = "cluster"
    for place in range(3):
        assert fault(missed(story, place * 2000, 50)) == ""
    assert fault(missed(story, 6000, 0)) == ""
    assert "nothing, for this instance knew" in fault(missed(story, 8000, 50))


def test_a_cluster_that_refuses_costs_nothing_from_the_first_read_on() -> None:
    story = fetched().done("store", "", "refusing", 100)
    story.binding = "cluster"
    assert "cost a request 1 ms; it may cost nothing" in fault(missed(story, 0, 1))


def test_on_the_wire_one_budget_is_told_from_two() -> None:
    def cost(ms: int) -> str:
        story = Story(tier="wire", lag_ms=1).call(0, 0).read(0, 5, 1, tiers=MISS).done("store", "", "hanging", 100)
        return fault(missed(story, 0, ms))

    assert cost(5 + 50 + 25) == ""
    assert "it may cost 50 ms" in cost(5 + 50 + 25 + 10)


def test_nothing_fails_without_redis() -> None:
    story = fetched().done("store", "", "refusing", 100)
    assert "and Redis refusing" in fault(story.call(2000, 2000).read(2000, 2000, status=503))


def test_redis_is_found_back_in_time() -> None:
    """What was fetched soon after its return may be missing in L1; later it may not."""
    for after, wrong in ((FOUND_BACK_MS - 1, ""), (FOUND_BACK_MS, "asked although L1")):
        story = Story().done("store", "", "refusing", 0).done("store", "", "well", 100)
        at = 100 + after
        story.call(at, at).read(at, at, 1, tiers=MISS).call(at + 10, at + 10).read(
            at + 10, at + 10, 2, tiers=MISS, instance=1
        )
        assert wrong in fault(story)
        assert bool(wrong) == bool(fault(story))


def test_an_outage_goes_on_while_its_kind_changes() -> None:
    story = Story().done("store", "", "refusing", 100, 110).done("store", "", "hanging", 200, 210)
    store = StoreTimes.of(story.example)
    outage = store.outage(300, 310)
    assert outage is not None
    assert (outage[0].state, outage[1]) == ("hanging", 110)
    assert store.outage(105, 120) is None
    assert store.phase(150, 250) is None


def test_where_the_machine_is_as_late_as_the_budget_redis_may_be_taken_for_one_that_hangs() -> None:
    wrong = "what L2 has not is looked for in L1 next"

    def story(lag_ms: int) -> Story:
        return Story(tier="wire", lag_ms=lag_ms).call(0, 0).read(0, 5, 1, tiers=ALONE)

    assert wrong in fault(story(5))
    assert fault(story(200)) == ""
