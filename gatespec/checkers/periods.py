"""Every way in which one provider's record can be explained by a right breaker; where there is none, what breaks it.

Events whose spans overlap may have happened in any order, so all orders are tried that the spans leave. That is done
for one cluster of overlapping events after the other: what is kept between them is the set of states in which the
breaker may be. The empty set is a breach.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from gatespec.checkers.admissions import in_clusters, providers_of
from gatespec.checkers.breaker import (
    Closed,
    HalfOpen,
    Moment,
    Open,
    Rules,
    admitted,
    asked_again,
    ended,
    refused,
    settled,
)
from gatespec.checkers.calls import allowance_ms
from gatespec.checkers.findings import Breach, Findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.checkers.admissions import Event, Provider
    from gatespec.checkers.breaker import State
    from gatespec.history import Example

States: TypeAlias = "frozenset[State]"
CLOSED: States = frozenset({Closed()})
ORDERS_MAX = 20_000
"""Ways that one cluster is looked at; past that it is not known what the breaker was told, and nothing more is held."""


@dataclass(frozen=True)
class Step:
    """Events that may have come in any order, and the states before and after them."""

    events: Sequence[Event]
    before: States
    after: States

    @property
    def when(self) -> Moment:
        """From the first that may have happened to the last."""
        return Moment(min(e.when.from_ms for e in self.events), max(e.when.to_ms for e in self.events))


@dataclass
class Told:
    """One breaker's record, explained as far as it can be."""

    provider: Provider
    rules: Rules
    steps: list[Step] = field(default_factory=list)
    culprit: Event | None = None
    """The first event that no right breaker explains."""
    met: States = frozenset()
    """The states in which it met the breaker."""

    @property
    def states(self) -> States:
        """In which the breaker may be at the end; empty after a culprit."""
        return self.steps[-1].after if self.steps else CLOSED

    def choices(self, step: Step) -> tuple[bool, bool]:
        """Whether at this step a call might have been admitted, and whether it might have been refused."""
        when = step.when
        before = [state for one in step.before for state in settled(one, self.rules, when)]
        admits = any(admitted(state, self.rules, 0, when) for state in before)
        return admits, any(refused(state, self.rules, when) for state in before)


class _TooMany(Exception):  # noqa: N818 - it ends the search, and nobody is told
    pass


class _Cluster:
    """The search over one cluster's orders."""

    def __init__(self, rules: Rules, events: Sequence[Event]) -> None:
        self._rules = rules
        self._events = events
        self._again = {event.retry_of for event in events if event.retry_of}
        self._seen: set[tuple[frozenset[int], float, State]] = set()
        self._ends: set[State] = set()

    def after(self, before: States) -> States:
        """In which states it may be when all has happened; raise `_TooMany` where nobody can tell."""
        every = frozenset(range(len(self._events)))
        todo: list[tuple[frozenset[int], float, State]] = [(every, -inf, state) for state in before]
        while todo:
            left, floor, state = todo.pop()
            if (left, floor, state) in self._seen:
                continue
            self._seen.add((left, floor, state))
            if len(self._seen) > ORDERS_MAX:
                raise _TooMany
            if not left:
                self._ends.add(state)
            todo += self._next(left, floor, state)
        return frozenset(self._ends)

    def _next(self, left: frozenset[int], floor: float, state: State) -> Iterator[tuple[frozenset[int], float, State]]:
        last_ms = min((self._events[place].when.to_ms for place in left), default=inf)
        for place in left:
            event = self._events[place]
            if event.when.from_ms > last_ms or (event.what == "ended" and self._is_to_begin(event.serial, left)):
                continue
            when = Moment(max(event.when.from_ms, floor), min(event.when.to_ms, last_ms))
            for one in settled(state, self._rules, when):
                yield from ((left - {place}, when.from_ms, each) for each in self._moves(one, event, when))

    def _is_to_begin(self, serial: int, left: frozenset[int]) -> bool:
        return any(self._events[place].what == "admitted" and self._events[place].serial == serial for place in left)

    def _moves(self, state: State, event: Event, when: Moment) -> set[State]:
        if event.what == "refused":
            return refused(state, self._rules, when)
        if event.what == "ended":
            stays = {state} if event.serial in self._again else set()
            return ended(state, self._rules, event.serial, event.results, when) | stays
        if not event.retry_of:
            return admitted(state, self._rules, event.serial, when)
        again = asked_again(state, event.retry_of, event.serial)
        return {again} if again != state else {state, *admitted(state, self._rules, event.serial, when)}


def explain(provider: Provider, rules: Rules) -> Told:
    """Follow one breaker from its first call on, until nothing explains what came."""
    told = Told(provider, rules)
    for events in in_clusters(provider.events()):
        before = told.states
        try:
            after = _Cluster(rules, events).after(before)
        except _TooMany:
            break
        told.steps.append(Step(events, before, after))
        if not after:
            told.culprit, told.met = _culprit(rules, before, events)
            break
    return told


def _culprit(rules: Rules, before: States, events: Sequence[Event]) -> tuple[Event, States]:
    """The last of the fewest first events that have no explanation, and the states that the others leave."""
    ordered, met = sorted(events, key=lambda event: event.when.to_ms), before
    for count in range(1, len(ordered)):
        after = _Cluster(rules, ordered[:count]).after(before)
        if not after:
            return ordered[count - 1], met
        met = after
    return ordered[-1], met


def explained(example: Example) -> list[Told]:
    """Each breaker of a story."""
    rules = Rules.of(example.context.settings, allowance_ms(example))
    return [explain(provider, rules) for provider in providers_of(example)]


def judge_breakers(example: Example, since: int) -> Findings:
    """Hold what every breaker admitted and refused against the statement."""
    findings, last = Findings(), len(example.exchanges) - 1
    for told in explained(example):
        if told.culprit:
            place = told.culprit.read.place if told.culprit.read else last
            findings.breaches.append(Breach(_words(told, told.culprit), place))
        for step in told.steps:
            alone = [event.read for event in step.events if event.read]
            if len(alone) == 1 and alone[0].place >= since:
                findings.answers += 1
                findings.sharp += not all(told.choices(step))
    return findings


def _words(told: Told, culprit: Event) -> str:
    begins, due = ("a read got no call", "one was due") if culprit.what == "refused" else ("", "")
    begins = begins or f"call {culprit.serial} began"
    states = " or ".join(sorted({words_of(state, told.rules) for state in told.met}))
    own = "" if told.provider.instance is None else f" of instance {told.provider.instance} alone"
    return (
        f"{begins} of {told.provider.name} at {culprit.when.to_ms:.0f} ms, where its breaker{own} was {states}"
        f"{': ' + due if due else ''}"
    )


def words_of(state: State, rules: Rules) -> str:
    """A state as a breach names it."""
    if isinstance(state, Closed):
        return f"closed, with {state.failures} of its last {len(state.results)} calls failed"
    if isinstance(state, HalfOpen):
        return (
            f"half-open, {state.admitted} trials admitted, {state.succeeded} succeeded, {len(state.trials)} under way"
        )
    from_ms, to_ms = (moment + rules.open_ms for moment in state.since)
    until = f"{to_ms:.0f} ms" if from_ms == to_ms else f"{from_ms:.0f} to {to_ms:.0f} ms"
    return f"open until {until}"


def is_open(states: States) -> bool:
    """Whether it surely is."""
    return bool(states) and all(isinstance(state, Open) for state in states)


def is_half_open(states: States) -> bool:
    """Whether it surely is."""
    return bool(states) and all(isinstance(state, HalfOpen) for state in states)


def is_closed(states: States) -> bool:
    """Whether it surely is."""
    return bool(states) and all(isinstance(state, Closed) for state in states)
