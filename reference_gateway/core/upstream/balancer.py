"""Which endpoint of a provider is called: smooth weighted round-robin, exact in each cycle of this instance.

Source: nginx, `ngx_http_upstream_round_robin.c`. Weights are fractions: with floats a cycle would drift.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.ports import EndpointState

SLOW_SHARE = Fraction(1, 2)
"""What is left of the base weight while an endpoint is slow, for however long."""
NOTHING = Fraction(0)


def exact(weights: Sequence[float]) -> tuple[Fraction, ...]:
    """Read weights as they are written: 0.1 is a tenth."""
    return tuple(Fraction(str(weight)) for weight in weights)


def effective(weights: Sequence[Fraction], endpoints: Sequence[EndpointState]) -> tuple[Fraction, ...]:
    """Say what each endpoint counts now: nothing while it is out, unless all are."""
    none_in = all(endpoint.is_out for endpoint in endpoints)
    return tuple(
        NOTHING if endpoint.is_out and not none_in else weight * (SLOW_SHARE if endpoint.is_slow else 1)
        for weight, endpoint in zip(weights, endpoints, strict=True)
    )


class Balancer:
    """One instance's turns over one provider's endpoints. What an endpoint counts changing, a new cycle begins."""

    def __init__(self, weights: Sequence[Fraction]) -> None:
        """`weights` are the base weights, in the order of the providers file."""
        self._base = tuple(weights)
        self._credits: list[Fraction] = [NOTHING] * len(self._base)
        self._counted: tuple[Fraction, ...] = ()

    def weights(self, endpoints: Sequence[EndpointState]) -> tuple[Fraction, ...]:
        """Say what each endpoint counts now."""
        return effective(self._base, endpoints)

    def choose(self, endpoints: Sequence[EndpointState]) -> int:
        """Name the endpoint whose turn it is, and go on to the next turn."""
        weights = self.weights(endpoints)
        if weights != self._counted:
            self._counted, self._credits = weights, [NOTHING] * len(weights)
        self._credits = [credit + weight for credit, weight in zip(self._credits, weights, strict=True)]
        chosen = self._richest([place for place, weight in enumerate(weights) if weight])
        self._credits[chosen] -= sum(weights)
        return chosen

    def other(self, endpoints: Sequence[EndpointState], than: int) -> int | None:
        """Name another healthy endpoint, the next whose turn it is, and leave it its turn; None where there is none."""
        weights = self.weights(endpoints)
        others = [place for place, weight in enumerate(weights) if weight and place != than]
        return self._richest(others) if others else None

    def _richest(self, places: Sequence[int]) -> int:
        """Of equals the first of the providers file."""
        return max(places, key=lambda place: (self._credits[place], -place))
