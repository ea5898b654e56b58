"""The bet on proportions: what it convicts, what it never does, and that its declared power is what dice show."""

from __future__ import annotations

from fractions import Fraction
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

import pytest

from gatespec.checkers.proportions import (
    POWER,
    calls_to_catch,
    cycle_of,
    is_out_of_proportion,
    shares_of,
    stake_of,
    unfit_cycle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

HALF = Fraction(1, 2)
MISTAKES = {
    "equal for 5:2:1": ((5, 2, 1), (1, 1, 1), 240),
    "equal for 3:1": ((3, 1), (1, 1), 331),
    "not halved": ((HALF, 1), (1, 1), 811),
    "halved twice": ((HALF, 1), (HALF / 2, 1), 1048),
    "never restored": ((1, 1), (HALF, 1), 823),
}
TRIES = 300
RUNS, CALLS = 200, 3_000


def shares(weights: Sequence[Fraction | int]) -> tuple[Fraction, ...]:
    return shares_of([Fraction(weight) for weight in weights])


def thrown(random: Random, odds: Sequence[Fraction], calls: int) -> list[int]:
    places = random.choices(range(len(odds)), [float(share) for share in odds], k=calls)
    return [places.count(place) for place in range(len(odds))]


@pytest.mark.parametrize("mistake", ["equal for 5:2:1", "equal for 3:1", "not halved", "never restored"])
def test_dice_are_caught_with_the_declared_power(mistake: str) -> None:
    good, bad, calls = MISTAKES[mistake]
    random = Random(1)  # noqa: S311 - dice, not secrets
    found = [is_out_of_proportion(thrown(random, shares(bad), calls), shares(good), 2) for _ in range(TRIES)]
    assert sum(found) >= POWER * TRIES - 4 * (POWER * (1 - POWER) * TRIES) ** 0.5


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_guide_says_how_many_calls_that_takes(mistake: str) -> None:
    good, bad, calls = MISTAKES[mistake]
    assert calls_to_catch(shares(good), shares(bad)) == calls


def test_fair_dice_are_never_convicted_however_often_somebody_looks() -> None:
    random, fair = Random(2), shares((3, 1))  # noqa: S311 - dice, not secrets
    highest = 0.0
    for _ in range(RUNS):
        counts = [0, 0]
        for place in random.choices((0, 1), (3, 1), k=CALLS):
            counts[place] += 1
            highest = max(highest, stake_of(counts, fair))
    assert highest < 12  # by Ville a stake of e**12 is reached in 200 runs with a chance of 0.0012


def test_a_cycle_loses_the_bet_wherever_it_stands() -> None:
    fair, block = shares((5, 2, 1)), (0, 0, 0, 0, 0, 1, 1, 2)
    dealt = list(islice(cycle(block), 800))
    stakes = [stake_of([dealt[:n].count(place) for place in range(3)], fair) for n in range(1, 801)]
    assert max(stakes) < 3


def test_many_short_stretches_that_begin_alike_are_explained_by_their_cycles() -> None:
    counts = [60, 0, 0]
    assert is_out_of_proportion(counts, shares((5, 2, 1)), 1)
    assert not is_out_of_proportion(counts, shares((5, 2, 1)), 10)


def test_a_cycle_is_the_shortest_that_keeps_the_shares() -> None:
    assert cycle_of(shares((3, 1))) == (3, 1)
    assert cycle_of(shares((Fraction(3, 2), 1))) == (3, 2)
    assert cycle_of(shares((4, 2, 0))) == (2, 1, 0)


@pytest.mark.parametrize(
    ("places", "unsettled", "found"),
    [
        ((0, 0, 1, 0, 0, 0, 1, 0), 0, None),
        ((0, 0, 0, 0, 1, 0, 0, 0), 0, 0),
        ((0, 0, 1, 0, 0, 0, 0, 0), 0, 4),
        ((1, 0, 0, 1, 0, 0, 0, 1, 0, 0), 0, 0),
        ((1, 0, 0, 1, 0, 0, 0, 1, 0, 0), 2, None),
        ((0, 0, 1), 0, None),
    ],
)
def test_an_order_fits_where_some_beginning_makes_every_cycle_exact(
    places: tuple[int, ...], unsettled: int, found: int | None
) -> None:
    assert unfit_cycle(places, (3, 1), unsettled) == found
