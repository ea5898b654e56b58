"""What a right breaker may have done: each smallest wrong history beside the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.checkers.periods import judge_breakers
from gatespec.checkers.withheld import judge_withheld
from gatespec.read_ports import UpstreamCall
from tests.checkers.written import Story

if TYPE_CHECKING:
    from gatespec.history import Example
    from gatespec.ports import Tier

SETTINGS = {
    "GATEWAY_TTL_PRICING_S": "0",
    "GATEWAY_BREAKER_WINDOW": "4",
    "GATEWAY_BREAKER_OPEN_S": "1",
    "GATEWAY_BREAKER_TRIAL_S": "0.5",
}
STEP = 10
"""Between one read and the next."""


def called(*outcomes: str, at: int = 0, took: int = 0, tier: Tier = "component", lag_ms: int = 0) -> Story:
    """Reads one after the other, each of which made a call."""
    story = Story(tier, lag_ms=lag_ms, settings=dict(SETTINGS))
    return more(story, *outcomes, at=at, took=took)


def more(story: Story, *outcomes: str, at: int, took: int = 0) -> Story:
    for place, outcome in enumerate(outcomes):
        began = at + place * STEP
        story.call(began + took // 2, began + took // 2, outcome)
        shown = len(story.calls) if outcome == "ok" else None
        story.read(began, began + took, shown, status=200 if shown else 503)
    return story


def refused(story: Story, *at: int) -> Story:
    for sent in at:
        story.read(sent, sent, status=503)
    return story


def opened() -> Story:
    """Open from 30 to 1030."""
    return called("ok", "ok", "status", "status")


def fault(example: Example) -> str:
    breaches = judge_breakers(example, 0).breaches
    return breaches[0].what if breaches else ""


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        (refused(opened(), 40, 1030), ""),
        (more(opened(), "ok", at=40), "call 5 began"),
        (more(opened(), "ok", at=1030), ""),
        (refused(opened(), 1031), "a read got no call"),
        (refused(called("ok", "status", "status"), 40), "closed, with 2 of its last 3"),
        (refused(called("ok", "ok", "ok", "status"), 40), "closed, with 1 of its last 4"),
        (refused(called("status", "status", "ok", "ok"), 40), ""),
        (refused(called("ok", "ok", "limited", "limited"), 40), ""),
        (more(called("ok", "ok", "limited", "limited"), "ok", at=40), ""),
        (refused(called(*["unauthorized"] * 8), 80), "closed"),
        (more(opened(), "ok", "ok", "ok", "ok", at=1040), ""),
        (refused(more(opened(), "ok", "ok", "ok", at=1040), 1070), "closed, with 0 of its last 0"),
        (refused(more(opened(), "ok", "ok", at=1040), 1060), "half-open, 2 trials admitted, 2 succeeded"),
        (more(opened(), "ok", "status", "ok", at=1040), "open until 2050 ms"),
        (more(more(opened(), "unauthorized", at=1040), "ok", at=1050), ""),
        (more(more(opened(), "unauthorized", at=1040), "ok", at=2039), "call 6 began"),
        (refused(more(opened(), "unauthorized", at=1040), 2540), ""),
        (refused(more(opened(), "unauthorized", at=1040), 2541), "one was due"),
    ],
)
def test_a_breaker_is_told_by_what_its_provider_saw(story: Story, wrong: str) -> None:
    found = fault(story.example)
    assert wrong in found
    assert bool(wrong) == bool(found)


def test_a_trial_without_a_countable_result_may_fail_at_once_or_when_its_time_is_up() -> None:
    tried = more(opened(), "unauthorized", at=1040)
    assert not fault(refused(tried, 1600, 2039).example)
    assert not fault(more(tried, "ok", at=2100).example)


def test_four_trials_at_once_are_one_too_many() -> None:
    story = opened()
    for _ in range(4):
        story.call(1040, 1240).read(1040, 1240, len(story.calls))
    assert "half-open, 3 trials admitted" in fault(story.example)
    del story.calls[-1], story.exchanges[-1]
    assert not fault(story.example)


def test_where_spans_hide_what_came_first_both_are_permitted() -> None:
    """The open time began between the provider's answer and the reader's: within that much it may be over."""
    story = called("ok", "ok", "status", "status", took=8, tier="wire")
    assert not fault(more(story, "ok", at=1032, took=4).example)
    story = called("ok", "ok", "status", "status", took=8, tier="wire")
    story.read(1030, 1036, status=503)
    findings = judge_breakers(story.example, 4)
    assert (findings.breaches, findings.answers, findings.sharp) == ([], 1, 0)


def test_a_credential_is_renewed_within_one_call() -> None:
    """Both requests are one trial: with another two it is three."""
    story = opened()
    story.call(1040, 1040, "unauthorized").call(1041, 1045).read(1040, 1045, 6)
    more(story, "ok", "ok", "status", at=1050)
    assert not fault(story.example)


def test_redis_away_makes_each_breaker_one_instance_s_own() -> None:
    story = Story(settings=dict(SETTINGS)).done("store", "", "refusing", 0)
    more(story, *["status"] * 4, at=10)
    story.call(60, 60, "status").read(60, 60, status=503, instance=1)
    assert not fault(story.example)
    more(story, "status", at=70)
    assert "of instance 0 alone was open" in fault(story.example)


def withheld(story: Story, *probes: int) -> str:
    example = story.example
    example.probes = [UpstreamCall("a", 0, at, at, "ok", kind="probe") for at in probes]
    breaches = judge_withheld(example, 0).breaches
    return breaches[0].what if breaches else ""


def test_probes_stop_while_open() -> None:
    story = refused(called(*["status"] * 4), 40)
    assert not withheld(story, 5, 29, 30, 1030, 1500)
    assert "was probed at 31 ms" in withheld(story, 5, 31)


@pytest.mark.parametrize(
    ("code", "wrong"), [("breaker-open", ""), ("unavailable", "breaker-open was due"), ("", "without a word")]
)
def test_who_is_left_out_is_left_out_as_open(code: str, wrong: str) -> None:
    story = called(*["status"] * 4)
    story.calls.append(UpstreamCall("b", 1, 40, 40, "ok"))
    story.read(40, 40, {"b": 1}, {"a": code} if code else "", asked="ab")
    found = withheld(story)
    assert wrong in found
    assert bool(wrong) == bool(found)
