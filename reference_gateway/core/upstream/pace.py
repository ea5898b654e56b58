"""How often a provider may be called at all: the pause that it asked for, and the rate that it allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from reference_gateway.core.upstream.ports import Refused

if TYPE_CHECKING:
    from reference_gateway.core.upstream.ports import Rules

HOLD_MAX_MS = 86_400_000
"""The longest pause that is believed: a day."""
US_PER_MS = 1000
US_PER_S = 1_000_000


def interval_us(rules: Rules) -> int:
    """Return the least time between two calls, 0 where there is no bound."""
    return ceil(US_PER_S / rules.rate_per_s) if rules.rate_per_s else 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Until when nothing may be asked, and when the next call may be.

    Calls are spaced evenly, without a burst: with one, some second would hold more calls than the provider allows.
    """

    held_ms: int = 0
    """When the pause ends."""
    next_us: int = 0
    """When the next call keeps the rate."""

    def refusal(self, rules: Rules, now_ms: int) -> Refused | None:
        """Say why no call may begin, if so."""
        if now_ms < self.held_ms:
            return Refused("held", self.held_ms - now_ms)
        left_us = self.next_us - now_ms * US_PER_MS
        # More than one interval is left only where the clock stepped back.
        return Refused("paced", -(-left_us // US_PER_MS)) if 0 < left_us <= interval_us(rules) else None

    def admitted(self, rules: Rules, now_ms: int) -> Pace:
        """Let a call begin."""
        interval = interval_us(rules)
        return replace(self, next_us=now_ms * US_PER_MS + interval) if interval else self

    def held(self, for_ms: int, now_ms: int) -> Pace:
        """Pause for so long, or for longer where more was asked before."""
        until_ms = now_ms + min(for_ms, HOLD_MAX_MS)
        return replace(self, held_ms=until_ms) if for_ms > 0 and until_ms > self.held_ms else self

    def shifted(self, by_ms: int) -> Pace:
        """Say the same by a clock that is ahead by so much."""
        return Pace(self.held_ms + by_ms, self.next_us + by_ms * US_PER_MS)


def is_due(last_ms: int | None, every_ms: int, now_ms: int) -> bool:
    """Say whether it is time again for what was last done at `last_ms`; None: never."""
    return last_ms is None or not last_ms <= now_ms < last_ms + every_ms
