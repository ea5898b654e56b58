"""The settings that the read path goes by."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from reference_gateway.core.cache.entry import Lifetimes

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Times:
    """What the instances go by, in ms."""

    lifetimes: Lifetimes
    static_ttl_ms: int
    lease_ms: int
    budget_ms: int
    deadline_ms: int
    timeout_ms: int

    @property
    def use_ms(self) -> int:
        """How long a list is of any use, if only for the catalogue."""
        return max(self.lifetimes.keep_ms, self.static_ttl_ms)


def times_of(settings: Mapping[str, str]) -> Times:
    """Read the settings; what is missing has the contract's default."""

    def ms(name: str, default: str) -> int:
        return int(Decimal(settings.get(f"GATEWAY_{name}_S", default)) * 1000)

    beta = float(settings.get("GATEWAY_XFETCH_BETA", "1.0"))
    return Times(
        Lifetimes(ms("TTL_PRICING", "60"), ms("STALE", "86400"), beta),
        static_ttl_ms=ms("TTL_STATIC", "300"),
        lease_ms=ms("LEASE", "6"),
        budget_ms=ms("REDIS_BUDGET", "0.05"),
        deadline_ms=ms("DEADLINE", "5"),
        timeout_ms=ms("UPSTREAM_TIMEOUT", "4"),
    )
