"""The one rule, on histories of a few lines: each has its right answer, and the wrong one beside it."""

from __future__ import annotations

import pytest

from gatespec.checkers.ages import find_wrong_ages
from gatespec.checkers.shown import judge_shown
from tests.checkers.written import Story


def fault(story: Story) -> str:
    breaches = judge_shown(story.example, 0).breaches
    return breaches[0].what if breaches else ""


def fetched() -> Story:
    """Call 1 was answered at 100, and shown."""
    return Story().call(0, 100).read(0, 100, 1)


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        (fetched().read(500, 500, 1), ""),
        (fetched().read(500, 500, 1, "stale"), "only this was permitted: fresh"),
        (fetched().read(500, 500, None, "timeout"), "only this was permitted: fresh"),
        (fetched().read(500, 500, status=503), "as if nothing were known"),
        (fetched().read(500, 500, 2), "only this was permitted"),
        (fetched().read(500, 500, status=500), "neither offers nor"),
        (fetched().call(2000, 2010, "status").read(2000, 2010, 1, "stale"), ""),
        (fetched().call(2000, 2010, "status").read(2000, 2010, 1), "stale, of its call 1"),
        (fetched().call(2000, 2010, "status").read(2000, 2010, None, "unavailable"), "stale, of its call 1"),
        (fetched().call(2000, 2100).read(2000, 2100, 2), ""),
        (fetched().call(2000, 2100).read(2000, 2100, 1, "stale"), "fresh, of its call 2"),
        (fetched().call(2000, None).read(2000, 2790, 1, "stale"), ""),
        (fetched().call(2000, None).read(2000, 2100, 1, "stale"), "nothing"),
        (fetched().call(20_000, 20_010, "reset").read(20_000, 20_010, status=503), ""),
        (fetched().call(20_000, 20_010, "reset").read(20_000, 20_010, 1, "stale"), "left out"),
    ],
)
def test_what_is_shown_of_a_known_provider(story: Story, wrong: str) -> None:
    assert wrong in fault(story)
    assert bool(wrong) == bool(fault(story))


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        (Story().call(0, 10, "status").read(0, 10, status=503), ""),
        (Story().call(0, 10, "status").read(0, 10, status=504), "none was pending"),
        (Story().call(0, 10, "status").read(0, 10, None, "unavailable"), "answered 200 although"),
        (Story().call(0, 600, "client-left").read(0, 600, status=504), ""),
        (Story().call(0, 600, "client-left").read(0, 600, status=503), "504 was due"),
        (Story().call(0, None).read(0, 800, status=504), ""),
        (Story().call(0, None).read(0, 800, status=503), "504 was due"),
        (Story().call(0, None).read(0, 100, status=504), "as if nothing were known"),
        (Story().call(0, 100).read(0, 100, status=504), "as if nothing were known"),
    ],
)
def test_what_is_said_when_nothing_is_known(story: Story, wrong: str) -> None:
    assert wrong in fault(story)
    assert bool(wrong) == bool(fault(story))


def both(shown: dict[str, int], warnings: dict[str, str], status: int = 200) -> Story:
    """One provider is quick, the other never answers."""
    story = Story().call(0, 10, provider="a").call(0, None, provider="b")
    return story.read(0, 790, shown, warnings, status=status, asked="ab")


def test_one_that_is_late_spoils_nothing() -> None:
    assert fault(both({"a": 1}, {"b": "timeout"})) == ""
    assert "b is left out without a word" in fault(both({"a": 1}, {}))
    assert "answered 504" in fault(both({}, {}, 504))


def test_in_a_crowd_the_old_and_the_new_are_right() -> None:
    for shown, warning in ((2, ""), (1, "stale")):
        story = fetched().call(2000, 2300).read(2000, 2300, 2).read(2100, 2300, shown, warning)
        assert fault(story) == ""


def test_on_the_wire_lag_decides_nothing() -> None:
    story = Story(tier="wire", lag_ms=10).call(0, 100).read(0, 110, 1).read(1090, 1095, 1)
    assert fault(story) == ""
    assert "stale" in fault(Story(tier="wire", lag_ms=10).call(0, 100).read(0, 110, 1).read(1200, 1210, 1))


def test_an_age_is_said_and_is_the_same_everywhere() -> None:
    def ages(*said: str | None) -> list[str]:
        story = fetched()
        for place, as_of in enumerate(said):
            story.read(2000 + place * 5000, 2001 + place * 5000, 1, "stale", as_of=as_of)
        return [breach.what for breach in find_wrong_ages(story.example, 0)]

    assert ages("2026-11-25T12:00:00Z", "2026-11-25T12:00:01Z") == []
    assert len(ages("2026-11-25T12:00:00Z", "2026-11-25T12:00:05Z")) == 1
    assert "does not say of when" in ages(None)[0]
