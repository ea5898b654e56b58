"""Fresh for the TTL and never after, whichever end of the call it is counted from."""

from __future__ import annotations

import pytest

from gatespec.checkers.freshness import judge_freshness
from tests.checkers.written import Story


def fault(story: Story) -> str:
    breaches = judge_freshness(story.example, 0).breaches
    return breaches[0].what if breaches else ""


def fetched() -> Story:
    """Call 1 ran from 0 to 100: what it said is surely fresh until 1000, and perhaps until 1100."""
    return Story().call(0, 100).read(0, 100, 1, tiers="l1; fwd=miss, l2; fwd=miss; stored")


@pytest.mark.parametrize(
    ("at", "warning", "wrong"),
    [
        (999, "", ""),
        (999, "stale", "marked stale"),
        (1000, "stale", ""),
        (1099, "", ""),
        (1100, "", "served as fresh 1000 ms after"),
        (1100, "stale", ""),
    ],
)
def test_the_edges_of_the_ttl(at: int, warning: str, wrong: str) -> None:
    assert wrong in fault(fetched().read(at, at, 1, warning, tiers="l2; hit"))
    assert bool(wrong) == bool(fault(fetched().read(at, at, 1, warning, tiers="l2; hit")))


def test_a_price_of_a_call_that_was_not_answered_is_told() -> None:
    assert "not answered by then" in fault(fetched().read(500, 500, 2, tiers="l2; hit"))


def test_what_is_fresh_is_not_left_out() -> None:
    assert "left out" in fault(fetched().read(500, 500, None, "unavailable", tiers="l2; hit"))


def test_a_tier_does_not_overstate_what_is_left() -> None:
    assert fault(fetched().read(500, 500, 1, tiers="l2; hit; ttl=1")) == ""
    assert "ttl=2 where 1 s at most" in fault(fetched().read(500, 500, 1, tiers="l2; hit; ttl=2"))
    assert "missing" in fault(fetched().read(500, 500, 1))


def test_who_waited_longer_than_the_ttl_is_shown_what_came() -> None:
    assert fault(Story().call(0, 1500).read(0, 1500, 1, tiers="l2; fwd=miss")) == ""
