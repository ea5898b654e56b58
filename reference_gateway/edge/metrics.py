"""What Prometheus scrapes. Every label has few values by construction, so each child is looked up once and kept."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word of a client becomes `other`: a label must not be the client's to choose."""

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The gateway's own registry."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves it untyped
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        requests = self._counter("requests", "Requests answered", "route", "method", "status")
        duration = Histogram(
            "gateway_request_duration_seconds",
            "Time from a request's arrival at the application to the end of its answer",
            ["route"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        limited = self._counter("limiter_decisions", "Decisions of the rate limiter", "plan", "outcome")
        lookups = self._counter("cache_lookups", "Cache lookups", "tier", "outcome")
        calls = self._counter("provider_calls", "List calls to providers", "provider", "outcome")
        left_out = self._counter("provider_items_left_out", "Malformed items left out of lists", "provider")
        self._request = cache(lambda *labels: (requests.labels(*labels), duration.labels(labels[0])))
        self._decision = cache(limited.labels)
        self._lookup = cache(lookups.labels)
        self._call = cache(calls.labels)
        self._left_out = cache(left_out.labels)

    def request(self, route: str, method: str, status: int, duration_s: float) -> None:
        """Count one answered request; `method` is one of `METHODS`, or `other`."""
        counter, histogram = self._request(route, method, status)
        counter.inc()
        histogram.observe(duration_s)

    def decision(self, plan: str, outcome: str) -> None:
        """Count one decision: `admitted` or `refused`."""
        self._decision(plan, outcome).inc()

    def lookup(self, tier: str, outcome: str) -> None:
        """Count one lookup in a cache: `hit`, `miss` or `stale`."""
        self._lookup(tier, outcome).inc()

    def call(self, provider: str, outcome: str, left_out: int = 0) -> None:
        """Count one list call: `ok` or the kind of its failure, and the items that it left out."""
        self._call(provider, outcome).inc()
        if left_out:
            self._left_out(provider).inc(left_out)

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

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"gateway_{name}", about, labels, registry=self.registry)
