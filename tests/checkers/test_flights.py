"""One call at a time, and nobody waits in vain: each smallest wrong history beside the right one."""

from __future__ import annotations

import pytest

from gatespec.checkers.flights import find_never_early, judge_flights
from tests.checkers.written import Story


def fault(story: Story) -> str:
    breaches = judge_flights(story.example, 0).breaches
    return breaches[0].what if breaches else ""


def fetched() -> Story:
    """Call 1 was answered at 100."""
    return Story().call(0, 100).read(0, 100, 1)


def refetched() -> Story:
    """Somebody leads call 2 from 1500 to 1800."""
    return fetched().call(1500, 1800).read(1500, 1800, 2)


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        (Story().call(0, 100).read(0, 100, 1).read(0, 100, 1, instance=1), ""),
        (Story().call(0, 100).call(0, 100).read(0, 100, 1).read(0, 100, 2, instance=1), "under way at once"),
        (Story().call(0, 100).call(100, 200).read(0, 100, 1).read(0, 200, 2, instance=1), "asked again"),
        (refetched().read(1600, 1600, 1, "stale"), ""),
        (refetched().read(1600, 1800, 2), "though somebody else led it"),
        (fetched().call(2500, 2800).read(2500, 2800, 2).read(2600, 2800, 2), ""),
        (fetched().call(2500, 2800).read(2500, 2800, 2).read(2600, 2600, 1, "stale"), "it was to wait"),
        (fetched().read(2500, 2500, 1, "stale"), "it was to wait"),
        (fetched().read(1500, 1500, 1, "stale"), "nobody was asking"),
        (Story().call(0, 10, "status").read(0, 10, status=503).read(50, 50, status=503), "nobody was asking"),
    ],
)
def test_calls_and_waits(story: Story, wrong: str) -> None:
    if wrong == "it was to wait" and len(story.calls) == 1:
        wrong = "nobody was asking"
    assert wrong in fault(story)
    assert bool(wrong) == bool(fault(story))


def wire(*, beside: int) -> Story:
    """Call 2 is led from 1500 to 1800; a read that had nothing to wait for took so long meanwhile."""
    story = Story(tier="wire").call(0, 100).read(0, 110, 1).call(1500, 1800).read(1490, 1810, 2)
    return story.read(1510, 1510 + beside, 1, "stale").read(1600, 1820, 2)


def test_a_busy_gateway_is_not_taken_for_one_that_lets_all_wait() -> None:
    """A read that was taken up after the call had been answered has waited for nothing but its turn."""
    assert "though somebody else led it" in fault(wire(beside=20))
    assert fault(wire(beside=110)) == ""


def test_a_wait_for_a_call_that_failed_is_no_sign_of_a_busy_gateway() -> None:
    story = Story(tier="wire").call(0, 100).read(0, 110, 1).call(1300, 1510, "status").call(1520, 1820)
    story.read(1300, 1511, 1, "stale").read(1515, 1830, 3)
    assert "though somebody else led it" in fault(story.read(1512, 1830, 3, instance=1))


def invalidated() -> Story:
    """The key was invalidated at 300, by instance 0, and refreshed from 310 to 600."""
    return fetched().done("invalidate", "a", "0", 300, 305).call(310, 600)


def late_refresh() -> Story:
    """Nobody came for more than a second, and so nobody refreshed it."""
    return fetched().done("invalidate", "a", "0", 300).call(1400, 1500).read(1400, 1400, 1, "stale")


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        (invalidated().read(320, 320, 1, "stale"), ""),
        (invalidated().read(320, 600, 2), "the old entry was due at once"),
        (invalidated().read(320, 320, 1), "served as fresh, of its call 1"),
        (invalidated().read(320, 320, 1, instance=1), ""),
        (invalidated().read(700, 700, 2), ""),
        (invalidated().read(700, 700, 1, "stale"), "had been answered 100 ms before"),
        (late_refresh(), "not refreshed within"),
    ],
)
def test_invalidations(story: Story, wrong: str) -> None:
    assert wrong in fault(story)
    assert bool(wrong) == bool(fault(story))


def paused() -> Story:
    """Instance 0 stood still with call 2 in flight; after its lease of 1 s call 3 replaced it."""
    story = fetched().done("invalidate", "a", "0", 300).call(310, 600).done("life", "0", "paused", 400)
    story.call(1500, 1600).read(1500, 1600, 3, instance=1)
    return story.done("life", "0", "running", 1700)


def test_a_late_write_is_not_shown_after_a_newer_one() -> None:
    assert fault(paused().call(2800, 2900).read(2800, 2900, 4)) == ""
    assert "whose leader stood still" in fault(paused().read(2800, 2800, 2))


def test_a_leader_that_fell_silent_is_waited_for_no_longer_than_its_lease() -> None:
    story = fetched().done("invalidate", "a", "0", 300).call(310, 330, "client-left").done("life", "0", "killed", 330)
    assert fault(story.read(1000, 1000, 1, "stale", instance=1)) == ""
    assert "nobody was asking" in fault(story.read(1400, 1400, 1, "stale", instance=1))


def shortly_before(reads: int) -> Story:
    """Reads 10 ms before the expiry of what took 100 ms: each refreshes early with a chance of 0.33 at least."""
    story = Story(settings={"GATEWAY_XFETCH_BETA": "1"}).call(0, 100).read(0, 100, 1)
    for _ in range(reads):
        story.read(990, 990, 1)
    return story


def test_never_to_refresh_early_is_a_matter_of_chance_until_it_is_none() -> None:
    assert find_never_early(shortly_before(10).example) is None
    assert "60 reads" in (find_never_early(shortly_before(60).example) or "")
    assert find_never_early(shortly_before(60).call(990, 1090).example) is None


def test_on_the_wire_calls_that_touch_do_not_overlap() -> None:
    story = Story(tier="wire", lag_ms=5).call(0, 100).call(95, 200).read(0, 105, 1).read(90, 205, 2)
    assert "under way" not in fault(story)
    assert "under way" in fault(Story(tier="wire").call(0, 100).call(50, 200).read(0, 105, 1).read(45, 205, 2))


def test_a_refresh_may_begin_before_its_invalidation_is_answered() -> None:
    story = Story(tier="wire", lag_ms=20).call(0, 100).read(0, 110, 1).call(160, 260)
    assert fault(story.done("invalidate", "a", "0", 150, 170)) == ""


def test_who_asked_for_another_too_may_have_waited_for_that() -> None:
    story = refetched().call(1500, 1790, "status", "b")
    assert fault(story.read(1600, 1800, {"a": 2}, {"b": "unavailable"}, asked="ab")) == ""
