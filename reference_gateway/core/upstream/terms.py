"""How the providers file declares a provider, as its calls go by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from reference_gateway.core.upstream.ports import Rules

SWEEP_MAX_MS = 120_000
"""The longest that a poll may take, whose requests are bounded one by one: the slowest real sweep takes some 40 s."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One provider's."""

    weights: tuple[Fraction, ...]
    """Of its endpoints, in order."""
    concurrency: int
    """Calls in flight per instance."""
    queue: int
    """Calls that may wait for a place."""
    poll_ms: int
    """0: never."""
    rate_per_s: float | None
    """Calls a second over all instances; None: no bound."""
    polled_only: bool
    """Whether a list takes too long for a read to wait for."""

    def rules(self, base: Rules) -> Rules:
        """Put what is its own into what holds for all.

        A sweep of minutes is a trial, too: it is given its time, or the breaker of such a provider would never close.
        """
        trial_ms = max(base.trial_ms, SWEEP_MAX_MS) if self.polled_only else base.trial_ms
        return replace(base, endpoints=len(self.weights), rate_per_s=self.rate_per_s, trial_ms=trial_ms)
