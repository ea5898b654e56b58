"""Calls in a row that met the same weights, and whether their first attempts kept the proportion."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

from gatespec.checkers.calls import OK
from gatespec.checkers.choices import permitted_weights
from gatespec.checkers.proportions import cycle_of, is_out_of_proportion, stake_of, unfit_cycle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatespec.checkers.choices import Balance, Choice, Weights

UNSETTLED = 2
"""Cycles that may pass until the order fits again after endpoints changed: the contract does not say where in its cycle
a gateway is then."""


@dataclass
class Stretch:
    """Calls in a row, each of which met the same weights for certain."""

    weights: Weights
    from_first: bool
    """Whether it begins with the provider's very first call."""
    choices: list[Choice] = field(default_factory=list)

    @property
    def cycle(self) -> tuple[int, ...]:
        """How often each endpoint comes in a cycle."""
        return cycle_of(self.weights)

    @property
    def unsettled(self) -> int:
        """Calls within which the first whole cycle has begun."""
        return 0 if self.from_first else (UNSETTLED + 1) * sum(self.cycle) - 1

    @property
    def settles(self) -> int:
        """Calls by which a cycle was judged, wherever the first one began."""
        return self.unsettled + sum(self.cycle)

    def dealt(self) -> Mapping[int, list[int]]:
        """The endpoints in the order chosen, per instance."""
        dealt: defaultdict[int, list[int]] = defaultdict(list)
        for choice in self.choices:
            dealt[choice.call.instance].append(choice.chosen)
        return dealt


def stretches_of(balance: Balance) -> list[Stretch]:
    """Those of calls whose weights are surely known; a failed attempt ends one, for it may move a cycle."""
    made: list[Stretch] = []
    current: Stretch | None = None
    for number, choice in enumerate(balance.choices):
        known = permitted_weights(balance.weights, choice.states)
        if len(known) != 1 or choice.call.first is None:
            current = None
            continue
        (weights,) = known
        if current is None or current.weights != weights:
            current = Stretch(weights, number == 0)
            made.append(current)
        current.choices.append(choice)
        if choice.call.first.outcome != OK:
            current = None
    return made


def find_disproportions(balance: Balance) -> Iterator[str]:
    """Where the finished stretches of a provider do not keep its proportion, in one sentence each."""
    stretches = stretches_of(balance)
    for weights in dict.fromkeys(stretch.weights for stretch in stretches):
        alike = [stretch for stretch in stretches if stretch.weights == weights]
        yield from _out_of_proportion(balance, weights, alike)
    if balance.smooth:
        for stretch in stretches:
            yield from _uneven(balance, stretch)


def _out_of_proportion(balance: Balance, weights: Weights, alike: Sequence[Stretch]) -> Iterator[str]:
    counts, shares, cycles = counted(weights, alike)
    if len(shares) > 1 and is_out_of_proportion(counts, shares, cycles):
        told = ":".join(map(str, cycle_of(shares)))
        odds = stake_of(counts, shares)
        got = ", ".join(map(str, counts))
        yield (
            f"endpoints of {balance.name} that counted {told} received {got} calls: fair dice do that once in "
            f"10^{odds / log(10):.0f} stories"
        )


def counted(weights: Weights, alike: Sequence[Stretch]) -> tuple[list[int], Weights, int]:
    """How often each endpoint that counts was chosen in stretches of these weights, its share, and cycles begun."""
    chosen = Counter(choice.chosen for stretch in alike for choice in stretch.choices)
    places = [place for place, weight in enumerate(weights) if weight]
    cycles = sum(len(stretch.dealt()) for stretch in alike)
    return [chosen[place] for place in places], tuple(weights[place] for place in places), cycles


def _uneven(balance: Balance, stretch: Stretch) -> Iterator[str]:
    """Each instance has cycles of its own, or all deal from one."""
    cycle, unsettled = stretch.cycle, stretch.unsettled
    if unfit_cycle([choice.chosen for choice in stretch.choices], cycle, unsettled) is None:
        return
    for instance, dealt in stretch.dealt().items():
        found = unfit_cycle(dealt, cycle, unsettled)
        if found is not None:
            told, some = ":".join(map(str, cycle)), ", ".join(map(str, dealt[found : found + sum(cycle)]))
            yield f"endpoints of {balance.name} that counted {told} were not dealt so by instance {instance}: {some}"
