"""The settings that the read path goes by."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from reference_gateway.core.cache.entry import Lifetimes
from reference_gateway.core.credentials.said import Times as CredentialTimes
from reference_gateway.core.credentials.said import patience_of
from reference_gateway.core.upstream.ports import Rules

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
    rules: Rules
    health_ms: int
    poll_ms: int
    snapshot_ms: int
    """How long cursors lead somewhere."""
    credentials: CredentialTimes

    @property
    def use_ms(self) -> int:
        """How long a list is of any use, if only for the catalogue."""
        return max(self.lifetimes.keep_ms, self.static_ttl_ms)


def times_of(settings: Mapping[str, str]) -> Times:
    """Read the settings; what is missing has the contract's default."""

    def ms(name: str, default: str) -> int:
        return _ms(settings, name, default)

    beta = float(settings.get("GATEWAY_XFETCH_BETA", "1.0"))
    return Times(
        Lifetimes(ms("TTL_PRICING", "60"), ms("STALE", "86400"), beta),
        static_ttl_ms=ms("TTL_STATIC", "300"),
        lease_ms=ms("LEASE", "6"),
        budget_ms=ms("REDIS_BUDGET", "0.05"),
        deadline_ms=ms("DEADLINE", "5"),
        timeout_ms=ms("UPSTREAM_TIMEOUT", "4"),
        rules=rules_of(settings),
        health_ms=ms("HEALTH_INTERVAL", "30"),
        poll_ms=ms("POLL", "30"),
        snapshot_ms=ms("SNAPSHOT", "300"),
        credentials=CredentialTimes(
            ms("CREDENTIAL_REFRESH", "300"), ms("CREDENTIAL_CACHE", "3600"), patience_of(ms("DEADLINE", "5"))
        ),
    )


def rules_of(settings: Mapping[str, str]) -> Rules:
    """Read what breakers and endpoints go by; an endpoint that no probe brings back comes back by itself."""
    probed = Decimal(settings.get("GATEWAY_HEALTH_INTERVAL_S", "30")) > 0
    return Rules(
        window=int(settings.get("GATEWAY_BREAKER_WINDOW", "10")),
        failure_rate=float(settings.get("GATEWAY_BREAKER_FAILURE_RATE", "0.5")),
        open_ms=_ms(settings, "BREAKER_OPEN", "30"),
        trials=int(settings.get("GATEWAY_BREAKER_TRIALS", "3")),
        trial_ms=_ms(settings, "BREAKER_TRIAL", "5"),
        slow_ms=_ms(settings, "SLOW", "2"),
        retry_out_ms=0 if probed else Rules().retry_out_ms,
    )


def _ms(settings: Mapping[str, str], name: str, default: str) -> int:
    return int(Decimal(settings.get(f"GATEWAY_{name}_S", default)) * 1000)
