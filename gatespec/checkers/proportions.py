"""Whether places were chosen in proportion: a sequential test with declared error rates, and exact cycles.

The test bets against the proportion as the calls come in: each call is foretold from those before it, by the shares
seen so far (Krichevsky and Trofimov, 1981), and the stake is multiplied by how much better that foretold it than the
proportion did. Against whoever keeps the proportion no bet wins more than nothing on average, so the stake ever
reaches 1/e with a chance of at most e (Ville, 1939), however often somebody looks. It depends on the counts alone: who
deals in cycles keeps nearer to the proportion than dice do, and loses the bets.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm, lgamma, log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ALARM = 1e-6
"""The chance that a run convicts a gateway that throws fair dice."""
TESTS_MAX = 1_000
"""Bets of one run, at most: one per story and proportion."""
STAKE = log(TESTS_MAX / ALARM)
"""The stake, as a logarithm, at which a bet convicts."""
POWER = 0.99
"""The chance with which a declared deviation is caught, where dice make it."""
Z_POWER = 2.326
"""The quantile of the normal distribution for `POWER`."""


def stake_of(counts: Sequence[int], shares: Sequence[Fraction]) -> float:
    """What the bet against these shares, each above 0, has become: as a logarithm."""
    places, total = len(counts), sum(counts)
    foretold = lgamma(places / 2) - lgamma(total + places / 2) + sum(lgamma(n + 0.5) - lgamma(0.5) for n in counts)
    return foretold - sum(n * log(share) for n, share in zip(counts, shares, strict=True))


def is_out_of_proportion(counts: Sequence[int], shares: Sequence[Fraction], cycles: int) -> bool:
    """Whether neither fair dice nor so many unfinished cycles explain the counts."""
    total, length = sum(counts), sum(cycle_of(shares))
    off = (abs(n - total * share) > cycles * unfinished(share, length) for n, share in zip(counts, shares, strict=True))
    return any(off) and stake_of(counts, shares) >= STAKE


def unfinished(share: Fraction, length: int) -> Fraction:
    """How far an unfinished cycle is off at most, in calls, in whatever order it runs; it may be twice the shortest."""
    return 2 * length * share * (1 - share)


def calls_to_catch(shares: Sequence[Fraction], wrong: Sequence[Fraction]) -> int:
    """How many calls convict whoever throws dice with the wrong shares, with the chance `POWER`.

    The stake grows by the divergence of one call (Kullback and Leibler, 1951), less what learning the shares costs;
    reckoned with the normal distribution, which a test holds against dice.
    """
    gains = [log(bad / good) for bad, good in zip(wrong, shares, strict=True)]
    mean = sum(float(bad) * gain for bad, gain in zip(wrong, gains, strict=True))
    spread = sqrt(sum(float(bad) * (gain - mean) ** 2 for bad, gain in zip(wrong, gains, strict=True)))
    calls = 1
    while calls * mean - Z_POWER * spread * sqrt(calls) < STAKE + _learning(calls, len(shares)):
        calls += 1
    return calls


def _learning(calls: int, places: int) -> float:
    return (places - 1) / 2 * log(calls) + log(places)


def shares_of(weights: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The share of each weight."""
    total = sum(weights, Fraction(0))
    return tuple(weight / total for weight in weights)


def cycle_of(shares: Sequence[Fraction]) -> tuple[int, ...]:
    """How often each comes in the shortest cycle that keeps the shares exactly."""
    whole = lcm(*(share.denominator for share in shares))
    often = [int(share * whole) for share in shares]
    return tuple(n // gcd(*often) for n in often)


def unfit_cycle(places: Sequence[int], cycle: Sequence[int], unsettled: int) -> int | None:
    """Where a cycle begins that is not exact, however the first one is laid within `unsettled` calls; None: nowhere.

    0 says that the first call begins a cycle.
    """
    found = [_unfit_from(start, places, cycle) for start in range(unsettled + 1)]
    return None if None in found else found[0]


def _unfit_from(start: int, places: Sequence[int], cycle: Sequence[int]) -> int | None:
    length = sum(cycle)
    for begins in range(start, len(places) - length + 1, length):
        dealt = places[begins : begins + length]
        if any(dealt.count(place) != often for place, often in enumerate(cycle)):
            return begins
    return None
