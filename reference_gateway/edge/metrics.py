"""What Prometheus scrapes. Every label has few values by construction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

from reference_gateway.edge.tallies import Durations, Tally, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word of a client becomes `other`: a label must not be the client's to choose."""

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The gateway's own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self._tally("requests", "Requests answered", "route", "method", "status")
        self._durations = Durations(
            "gateway_request_duration_seconds",
            "Time from a request's arrival at the application to the end of its answer",
            "route",
            _BUCKETS_S,
        )
        self.registry.register(self._durations)
        self._limited = self._tally("limiter_decisions", "Decisions of the rate limiter", "plan", "outcome")
        self._sign_ins = self._tally("sign_ins", "What was asked for to come in or leave", "action", "result")
        self._lookups = self._tally("cache_lookups", "Cache lookups", "tier", "outcome")
        self._leases = self._tally("cache_leases", "Who fetched when a list had to be fetched", "outcome")
        self._refreshes = self._tally("cache_refreshes", "Lists that had to be fetched, from wherever", "reason")

    def request(self, route: str, method: str, status: int, duration_s: float) -> None:
        """Count one answered request; `method` is one of `METHODS`, or `other`."""
        self._requests.add(route, method, str(status))
        self._durations.add(route, duration_s)

    def sign_in(self, action: str, result: str) -> None:
        """Count a `login`, `refresh`, `logout` or `service-token`, and how it ended: `ok`, `refused`, `locked`, ..."""
        self._sign_ins.add(action, result)

    def decision(self, plan: str, outcome: str) -> None:
        """Count one decision: `admitted` or `refused`."""
        self._limited.add(plan, outcome)

    def lookup(self, tier: str, outcome: str) -> None:
        """Count a lookup in a tier (`l2`, `l1` of a list; `answer` of a whole request): `hit`, `miss` or `stale`."""
        self._lookups.add(tier, outcome)

    def lease(self, outcome: str) -> None:
        """Count one turn: `led`, `followed`, `refused` (the lease was lost) or `alone` (without Redis)."""
        self._leases.add(outcome)

    def refresh(self, reason: str) -> None:
        """Count one flight begun: `missing`, `expired`, `early`, `invalidated` or `polled`."""
        self._refreshes.add(reason)

    def watch_lines(self, dropped: Callable[[], int]) -> None:
        """Show how many log lines were dropped because nobody read them."""
        self.registry.register(Watched("gateway_log_lines_dropped", "Log lines that nobody read in time", dropped))

    def watch_limiter(self, is_local: Callable[[], bool]) -> None:
        """Show which store decides: one of the two is 1."""
        mode = Gauge("gateway_limiter_mode", "Which store decides on the limit", ["mode"], registry=self.registry)
        mode.labels("local").set_function(lambda: float(is_local()))
        mode.labels("redis").set_function(lambda: float(not is_local()))

    def watch_inflight(self, inflight: Callable[[], int]) -> None:
        """Show how many requests are at work."""
        gauge = Gauge("gateway_requests_in_flight", "Requests at work", registry=self.registry)
        gauge.set_function(lambda: float(inflight()))

    def render(self) -> bytes:
        """Everything, as Prometheus' text."""
        return generate_latest(self.registry)

    def _tally(self, name: str, about: str, *labels: str) -> Tally:
        tally = Tally(f"gateway_{name}", about, *labels)
        self.registry.register(tally)
        return tally
