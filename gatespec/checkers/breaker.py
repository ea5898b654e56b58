"""A breaker as P04 states it: not one, but every right one, so it answers with the states that it may be in.

What the statement leaves open is several states at once: whether a 429 counts while closed, whether a trial without a
countable result failed at once or when its time was up, and where in a span the gateway acted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Result = Literal["succeeded", "failed", "limited", "refused", "none"]
"""Of a call: a 2xx that could be read; what counts as a failure; 429; 401 or 403; nothing that anybody heard of."""


class Moment(NamedTuple):
    """Some moment, both ends included."""

    from_ms: float
    to_ms: float


@dataclass(frozen=True)
class Rules:
    """The contract's numbers as this gateway has them; times in ms."""

    window: int
    failures: int
    """Of a whole window, from how many on it opens."""
    open_ms: int
    trials: int
    trial_ms: int
    slack_ms: int
    """How late the machine alone may be."""

    @classmethod
    def of(cls, settings: Mapping[str, str], slack_ms: int) -> Rules:
        """Read them from an example's context."""
        given = {name: Decimal(settings[f"GATEWAY_BREAKER_{name}"]) for name in ("WINDOW", "FAILURE_RATE", "TRIALS")}
        open_ms, trial_ms = (int(Decimal(settings[f"GATEWAY_BREAKER_{name}_S"]) * 1000) for name in ("OPEN", "TRIAL"))
        window = int(given["WINDOW"])
        return cls(window, ceil(given["FAILURE_RATE"] * window), open_ms, int(given["TRIALS"]), trial_ms, slack_ms)


@dataclass(frozen=True)
class Closed:
    """Counts results."""

    results: tuple[bool, ...] = ()
    """Of the last calls, in the order in which they were counted: whether they failed."""
    under_way: frozenset[int] = frozenset()
    """Calls that were admitted in this period, by serial."""

    @property
    def failures(self) -> int:
        """How many of the window failed."""
        return sum(self.results)


@dataclass(frozen=True)
class Open:
    """Admits nothing until its time is over."""

    since: Moment


@dataclass(frozen=True)
class Trial:
    """A trial of which no result was counted."""

    serial: int
    admitted: Moment
    lost_ms: float | None = None
    """From when on it may count as failed, because nothing countable will come; None: a result may come."""


@dataclass(frozen=True)
class HalfOpen:
    """Tries whether the provider is back."""

    trials: frozenset[Trial]
    """Those under way, or lost."""
    admitted: int
    succeeded: int = 0


State: TypeAlias = "Closed | Open | HalfOpen"


def settled(state: State, rules: Rules, when: Moment) -> set[State]:
    """What it may have become by itself by then: a trial may have been overdue or given up."""
    if not isinstance(state, HalfOpen):
        return {state}
    found: set[State] = set()
    surely = False
    for trial in state.trials:
        due = Moment(trial.admitted.from_ms + rules.trial_ms, trial.admitted.to_ms + rules.trial_ms + rules.slack_ms)
        first = due.from_ms if trial.lost_ms is None else min(due.from_ms, trial.lost_ms)
        if first <= when.to_ms:
            found.add(Open(Moment(first, min(due.to_ms, when.to_ms))))
        surely = surely or due.to_ms < when.from_ms
    return found if surely else {*found, state}


def admitted(state: State, rules: Rules, serial: int, when: Moment) -> set[State]:
    """What it may be after it let this call begin; empty where it may not."""
    if isinstance(state, Closed):
        return {replace(state, under_way=state.under_way | {serial})}
    if isinstance(state, HalfOpen):
        trials = state.trials | {Trial(serial, when)}
        return {HalfOpen(trials, state.admitted + 1, state.succeeded)} if state.admitted < rules.trials else set()
    over_ms = state.since.from_ms + rules.open_ms
    if when.to_ms < over_ms:
        return set()
    return {HalfOpen(frozenset({Trial(serial, Moment(max(when.from_ms, over_ms), when.to_ms))}), 1)}


def refused(state: State, rules: Rules, when: Moment) -> set[State]:
    """What it may be after it let nothing begin; empty where it had to.

    While a trial is under way no other has to be admitted: it may try one at a time.
    """
    if isinstance(state, HalfOpen):
        return {state} if state.trials or state.admitted >= rules.trials else set()
    if isinstance(state, Closed) or when.from_ms > state.since.to_ms + rules.open_ms + rules.slack_ms:
        return set()
    return {state}


def ended(state: State, rules: Rules, serial: int, results: Iterable[Result], when: Moment) -> set[State]:
    """What it may be after a call ended in one of these ways; what was admitted in another period changes nothing."""
    if isinstance(state, Closed) and serial in state.under_way:
        rest = replace(state, under_way=state.under_way - {serial})
        return {after for result in results for after in _counted(rest, rules, result, when)}
    if isinstance(state, HalfOpen) and (trial := _trial(state, serial)):
        return {after for result in results for after in _tried(state, rules, trial, result, when)}
    return {state}


def asked_again(state: State, before: int, serial: int) -> State:
    """The same after a call's second request: one call, whatever the state, told by its later request."""
    if isinstance(state, Closed) and before in state.under_way:
        return replace(state, under_way=state.under_way - {before} | {serial})
    if isinstance(state, HalfOpen) and (trial := _trial(state, before)):
        return replace(state, trials=state.trials - {trial} | {replace(trial, serial=serial, lost_ms=None)})
    return state


FAILED: Mapping[Result, tuple[bool | None, ...]] = {
    "succeeded": (False,),
    "failed": (True,),
    "limited": (True, False, None),
    "refused": (False, None),
    "none": (False, None),
}
"""As what each counts while closed; None: not at all."""


def _counted(state: Closed, rules: Rules, result: Result, when: Moment) -> set[State]:
    found: set[State] = set()
    for failed in FAILED[result]:
        if failed is None:
            found.add(state)
        else:
            found |= _with(replace(state, results=(*state.results, failed)[-rules.window :]), rules, when)
    return found


def _with(state: Closed, rules: Rules, when: Moment) -> set[State]:
    """Whether it opens; those under way are calls that were made, so with them the least number may be reached."""
    if state.failures < rules.failures or len(state.results) + len(state.under_way) < rules.window:
        return {state}
    return {Open(when)} if len(state.results) >= rules.window else {Open(when), state}


def _trial(state: HalfOpen, serial: int) -> Trial | None:
    return next((trial for trial in state.trials if trial.serial == serial), None)


def _tried(state: HalfOpen, rules: Rules, trial: Trial, result: Result, when: Moment) -> set[State]:
    rest = state.trials - {trial}
    if result == "succeeded":
        succeeded = state.succeeded + 1
        return {Closed()} if succeeded >= rules.trials else {HalfOpen(rest, state.admitted, succeeded)}
    if result == "failed":
        return {Open(when)}
    lost = replace(state, trials=rest | {replace(trial, lost_ms=when.from_ms)})
    return {lost} if result == "none" else {lost, Open(when)}
