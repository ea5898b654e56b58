"""Which endpoint each call chose, and how all of them were then, as far as the ledger surely says it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from gatespec.checkers.attempts import calls_of
from gatespec.checkers.calls import Times, allowance_ms
from gatespec.checkers.health import Health, Rules
from gatespec.checkers.proportions import shares_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.attempts import Call
    from gatespec.checkers.health import State
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

SMOOTH = "smooth"
HALF = Fraction(1, 2)
NOWHERE = -1

Weights: TypeAlias = tuple[Fraction, ...]


@dataclass(frozen=True)
class Choice:
    """One call, and how the endpoints were when it chose."""

    call: Call
    states: Sequence[frozenset[State]]
    """Of each endpoint, when the first attempt was chosen."""
    again: Sequence[frozenset[State]]
    """And from then until the second was, or until the first had ended."""

    @property
    def place(self) -> int:
        """Which exchange shows it."""
        return self.call.read.place

    @property
    def chosen(self) -> int:
        """The endpoint of the first attempt; `NOWHERE` where none was made."""
        return self.call.first.endpoint if self.call.first else NOWHERE


@dataclass(frozen=True)
class Balance:
    """One provider's calls in one story."""

    name: str
    weights: Weights
    choices: Sequence[Choice]
    slack_ms: int
    timeout_ms: int
    smooth: bool

    def is_unhealthy(self, choice: Choice, place: int) -> bool:
        """Whether that endpoint surely was out while surely not all were."""
        states = choice.states
        return surely_out(states[place]) and any(surely_in(each) for each in states)

    def others(self, choice: Choice) -> list[int]:
        """Endpoints that surely were healthy beside the one that the first attempt was at."""
        first = choice.call.first
        return [
            place for place, each in enumerate(choice.again) if first and place != first.endpoint and surely_in(each)
        ]


def permitted_weights(weights: Weights, states: Sequence[frozenset[State]]) -> set[Weights]:
    """What the endpoints may weigh, as shares: slow counts half, out nothing, and where all are out each counts."""
    found = set[Weights]()
    for each in product(*states):
        halved = tuple(weight * (HALF if state.slow else 1) for weight, state in zip(weights, each, strict=True))
        if all(state.out for state in each):
            found |= {shares_of(weights), shares_of(halved)}
        else:
            found.add(shares_of([Fraction(0) if s.out else weight for weight, s in zip(halved, each, strict=True)]))
    return found


def surely_out(states: frozenset[State]) -> bool:
    """Whether it may be nothing but out."""
    return all(state.out for state in states)


def surely_in(states: frozenset[State]) -> bool:
    """Whether it may be nothing but in."""
    return not any(state.out for state in states)


def balances(example: Example, weights: Sequence[float]) -> list[Balance]:
    """Every provider that the story read, each with endpoints of these weights."""
    slack_ms, rules = allowance_ms(example), Rules.of(example.context.settings)
    timeout_ms = Times.of(example.context.settings).timeout_ms
    exact = tuple(Fraction(str(weight)) for weight in weights)
    smooth = example.context.balancing == SMOOTH
    found = list[Balance]()
    for name, calls in calls_of(example).items():
        results = _results(name, calls, example, timeout_ms)
        places = range(len(exact))
        health = [Health([r for r in results if r.endpoint == place], rules, slack_ms) for place in places]
        found.append(Balance(name, exact, _choices(calls, health), slack_ms, timeout_ms, smooth))
    return found


def _results(name: str, calls: Sequence[Call], example: Example, timeout_ms: int) -> list[UpstreamCall]:
    """Every attempt and probe that is over, as the gateway met it."""
    met = {attempt.serial: attempt for call in calls for attempt in call.as_met(timeout_ms)}
    attempts = [met.get(call.serial, call) for call in example.calls if call.provider == name]
    probes = [probe for probe in example.probes if probe.provider == name]
    return [result for result in (*attempts, *probes) if result.ended_ms is not None]


def _choices(calls: Sequence[Call], health: Sequence[Health]) -> list[Choice]:
    chosen = list[Choice]()
    for call in calls:
        sent, first, second = call.read.sent_ms, call.first, call.second
        began = first.began_ms if first else sent
        states = [each.states(sent, began) for each in health]
        until_ms = second.began_ms if second else first.ended_ms or began if first else began
        chosen.append(Choice(call, states, [each.states(sent, until_ms) for each in health]))
    return chosen
