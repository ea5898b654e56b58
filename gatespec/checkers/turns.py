"""What a breaker's record proves: turns that it surely took, seen by what a wrong one would have done otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.checkers.admissions import LOST
from gatespec.checkers.breaker import Closed, Open
from gatespec.checkers.periods import is_closed, is_half_open, is_open

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatespec.checkers.admissions import Event
    from gatespec.checkers.periods import States, Step, Told

NEARLY = 4
"""A whole open time is seen where something was refused in its last quarter."""


@dataclass
class _Turn:
    """How the present period of the state came about, and who has called so far."""

    why: Counter[str] = field(default_factory=Counter)
    instances: set[int] = field(default_factory=set)


def turns_of(told: Told) -> Counter[str]:
    """Count P04's marks in one breaker's record."""
    marks: Counter[str] = Counter()
    turn = _Turn()
    for step in told.steps:
        for event in step.events:
            if event.what == "refused" and is_open(step.after):
                marks.update(_marks_of_refusal(told, step, event, turn))
            if event.what == "admitted":
                marks.update(_marks_of_admission(told, step, turn))
                turn.instances |= {read.exchange.request.instance for read in told.provider.askers[event.serial]}
        _turn_over(told, step, turn)
    return marks


def _marks_of_refusal(told: Told, step: Step, refusal: Event, turn: _Turn) -> Counter[str]:
    last_quarter = all(
        isinstance(state, Open) and refusal.when.from_ms >= state.since.to_ms + told.rules.open_ms * 3 // NEARLY
        for state in step.after
    )
    seen = Counter({"opened-at-rate": turn.why["exactly"], "trial-lost": turn.why["lost"]})
    seen["reopened-by-trial"] = turn.why["failed"] * last_quarter
    elsewhere = refusal.read is not None and refusal.read.exchange.request.instance not in turn.instances
    seen["state-shared"] = int(elsewhere and told.provider.instance is None)
    return seen


def _marks_of_admission(told: Told, step: Step, turn: _Turn) -> Counter[str]:
    window, failures = told.rules.window, told.rules.failures
    full = _all_closed(step.before, lambda state: len(state.results) == window and state.failures == failures - 1)
    enough = _all_closed(step.before, lambda state: len(state.results) < window and state.failures >= failures)
    nearly = _all_closed(step.before, lambda s: len(s.results) >= window - 1 and s.failures == failures - 1)
    return Counter(
        {
            "stayed-closed-below": int(full),
            "half-opened": int(is_open(step.before)),
            "closed-by-trials": turn.why["reborn"] * enough,
            "late-result-ignored": turn.why["late"] * nearly,
        }
    )


def _all_closed(states: States, holds: Callable[[Closed], bool]) -> bool:
    return bool(states) and all(isinstance(state, Closed) and holds(state) for state in states)


def _turn_over(told: Told, step: Step, turn: _Turn) -> None:
    """Take note of why the state is another now; of a late result while it is the same."""
    began = {event.serial for event in step.events if event.what == "admitted"}
    ends = [event for event in step.events if event.what == "ended"]
    if is_open(step.before) and not began:
        return
    if is_closed(step.after):
        if not is_closed(step.before):
            turn.why = Counter(reborn=1)
        turn.why["late"] += sum(_is_late(event, step, began) for event in ends)
    elif ends:
        results = frozenset(result for event in ends for result in event.results)
        turn.why = Counter(
            exactly=int(_opened_exactly(told, step, ends)),
            failed=int(not is_closed(step.before) and results == {"failed"}),
            lost=int(not is_closed(step.before) and results <= LOST),
        )
    elif is_half_open(step.after):
        turn.why = Counter()


def _is_late(ended: Event, step: Step, began: set[int]) -> bool:
    mine = (state.under_way for state in step.before if isinstance(state, Closed))
    return ended.serial not in began and not any(ended.serial in each for each in mine)


def _opened_exactly(told: Told, step: Step, ends: Sequence[Event]) -> bool:
    window, failures = told.rules.window, told.rules.failures
    failed = sum(event.results == {"failed"} for event in ends)
    return (
        len(ends) == 1
        and is_open(step.after)
        and _all_closed(step.before, lambda s: len(s.results) == window - 1 and s.failures + failed == failures)
    )


def alone_without_redis(breakers: Sequence[Told]) -> int:
    """Count calls of one instance at a moment when another's own breaker of the same provider was surely open."""
    mine = [told for told in breakers if told.provider.instance is not None]
    return sum(
        _was_open(other, event.when.from_ms)
        for told in mine
        for other in mine
        if other.provider.name == told.provider.name and other is not told
        for step in told.steps
        for event in step.events
        if event.what == "admitted" and step.after
    )


def _was_open(told: Told, moment_ms: float) -> bool:
    """Whether it had refused somebody before, in an open time that is not over."""
    refusals = (step for step in told.steps if is_open(step.after) and step.events[0].what == "refused")
    return any(
        isinstance(state, Open) and step.when.to_ms < moment_ms < state.since.from_ms + told.rules.open_ms
        for step in refusals
        for state in step.after
    )
