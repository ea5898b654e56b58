"""TOPSIS (Hwang and Yoon, 1981): how near each offer is to the best price and performance, how far from the worst.

Columns are divided by their Euclidean norm, then weighted; a score is the distance to the worst over both distances.
"""

from __future__ import annotations

from decimal import Decimal
from math import fsum, hypot, sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reference_gateway.core.offer import Amount, Offer

PRICE_WEIGHT: Final = 0.5
PERFORMANCE_WEIGHT: Final = 0.5

SCORE_DECIMALS: Final = 6
"""Decimals of a score as shown and as sorted by: what floating point may differ in between machines lies far below."""

ONLY_SCORE: Final = 1.0
"""Where best and worst coincide (one offer, or all alike) every offer is the best there is."""


def scores_of(offers: Sequence[Offer]) -> dict[str, Decimal]:
    """Each offer's score by its id, 0 to 1 and more is better; the offers' order does not matter."""
    prices = _weighted((offer.price_per_hour for offer in offers), PRICE_WEIGHT)
    performances = _weighted((offer.performance for offer in offers), PERFORMANCE_WEIGHT)
    if not offers:
        return {}
    best, worst = (min(prices), max(performances)), (max(prices), min(performances))
    points = zip(prices, performances, strict=True)
    return {offer.id: _closeness(point, best, worst) for offer, point in zip(offers, points, strict=True)}


def _weighted(column: Iterable[Amount], weight: float) -> list[float]:
    """A column of zeros stays one: it tells no offer from another."""
    values = [float(value) for value in column]
    norm = sqrt(fsum(value * value for value in values))
    return [weight * value / norm if norm else 0.0 for value in values]


def _closeness(point: tuple[float, float], best: tuple[float, float], worst: tuple[float, float]) -> Decimal:
    to_best = hypot(point[0] - best[0], point[1] - best[1])
    to_worst = hypot(point[0] - worst[0], point[1] - worst[1])
    apart = to_best + to_worst
    return Decimal(f"{to_worst / apart if apart else ONLY_SCORE:.{SCORE_DECIMALS}f}")
