"""How each provider and each of its endpoints is, by the calls that were made: GET /api/v2/providers/health."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from reference_gateway.core.answers import Entry, entry
from reference_gateway.core.offer import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.edge.providers_file import Endpoint, Provider

CALLS_REMEMBERED: Final = 10
"""Of one endpoint: the contract's window for latency."""
NS_PER_MS: Final = 1_000_000
OK: Final = "ok"
BREAKER: Final = "closed"
"""No breaker stands before any provider yet: every call is let through."""


@dataclass
class _Calls:
    """The last calls to one endpoint."""

    durations_ms: deque[float] = field(default_factory=lambda: deque(maxlen=CALLS_REMEMBERED))
    outcome: str | None = None
    at_ms: int | None = None


class ProviderHealth:
    """Remembers how calls ended; the event loop's thread alone writes and reads it."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = providers
        self._calls: Mapping[tuple[str, str], _Calls] = {
            (provider.name, endpoint.url): _Calls() for provider in providers for endpoint in provider.endpoint
        }

    def ended(self, provider: str, url: str, outcome: str, duration_ns: int, now_ms: int) -> None:
        """Note a call that ended at `now_ms` (wall clock): `ok`, or the kind of its failure."""
        calls = self._calls[provider, url]
        calls.durations_ms.append(duration_ns / NS_PER_MS)
        calls.outcome, calls.at_ms = outcome, now_ms

    def render(self) -> Entry:
        """Everything, as JSON."""
        providers = [self._provider(provider) for provider in self._providers]
        failing = any(each["health"] == "failing" for each in providers)
        return entry(orjson.dumps({"status": "degraded" if failing else OK, "providers": providers}))

    def _provider(self, provider: Provider) -> dict[str, object]:
        """A provider is as its newest call says."""
        calls = [self._calls[provider.name, endpoint.url] for endpoint in provider.endpoint]
        return {
            "name": provider.name,
            "breaker": BREAKER,
            **_state(calls),
            "endpoints": [self._endpoint(provider.name, endpoint) for endpoint in provider.endpoint],
        }

    def _endpoint(self, provider: str, endpoint: Endpoint) -> dict[str, object]:
        return {"url": endpoint.url, "weight": endpoint.weight, **_state([self._calls[provider, endpoint.url]])}


def _state(calls: Sequence[_Calls]) -> dict[str, object]:
    newest = max(calls, key=lambda each: each.at_ms or 0)
    durations_ms = [duration for each in calls for duration in each.durations_ms]
    return {
        "health": _health(newest.outcome),
        "latency_ms": round(sum(durations_ms) / len(durations_ms), 3) if durations_ms else None,
        "last_check": None if newest.at_ms is None else timestamp(newest.at_ms),
        "last_outcome": newest.outcome,
    }


def _health(outcome: str | None) -> str:
    if outcome is None:
        return "unknown"
    return OK if outcome == OK else "failing"
