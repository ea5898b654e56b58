"""What Prometheus scrapes of each provider. Label values are those of the providers file, and of short fixed lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from reference_gateway.core.upstream.watching import OK, Witness
from reference_gateway.edge import clock
from reference_gateway.edge.tallies import Durations, Readings, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prometheus_client import CollectorRegistry

    from reference_gateway.core.upstream.calls import Called
    from reference_gateway.core.upstream.ports import State, Why
    from reference_gateway.core.upstream.watching import Rejection

STATES: Final[tuple[State, ...]] = ("closed", "open", "half-open")
MS_PER_S: Final = 1000
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 30, 60, 120)
"""Up to the longest sweep; 2 s is where an endpoint counts as slow, 4 s where a call is given up."""


class ProviderMetrics(Witness):
    """The port `Watcher` that counts, and tells the log what failed."""

    def __init__(self, registry: CollectorRegistry, called: Callable[[], Sequence[Called]]) -> None:
        """`called` are all providers, as this instance calls them."""
        super().__init__(clock.epoch_ms)
        self._registry = registry
        self._all = called
        self._log = structlog.get_logger()
        self._calls = self._tally("calls", "List calls to providers", "provider", "outcome")
        self._attempts = self._tally("attempts", "Attempts of calls at endpoints", "provider", "endpoint", "outcome")
        self._rejections = self._tally("rejections", "Calls that never began", "provider", "why")
        self._probes = self._tally("probes", "Health probes", "provider", "endpoint", "outcome")
        self._left_out = self._tally("items_left_out", "Malformed items left out of lists", "provider")
        self._durations = Durations(
            "gateway_provider_call_duration_seconds", "Time of a call, all attempts together", "provider", _BUCKETS_S
        )
        registry.register(self._durations)
        self._readings("breaker_state", "The breaker's state, as last heard: one is 1", self._states, "state")
        self._readings("calls_in_flight", "Calls under way", self._in_flight)
        self._readings("calls_waiting", "Calls that wait for a place", self._waiting)

    def attempted(self, provider: str, endpoint: int, kind: str, took_ms: int, *, tells: bool) -> None:
        """As the port."""
        super().attempted(provider, endpoint, kind, took_ms, tells=tells)
        self._attempts.add(provider, str(endpoint), kind)

    def ended(self, provider: str, kind: str, took_ms: int, *, tells: bool) -> None:
        """As the port."""
        super().ended(provider, kind, took_ms, tells=tells)
        self._calls.add(provider, kind)
        self._durations.add(provider, took_ms / MS_PER_S)
        if kind != OK:
            self._log.warning("provider call failed", provider=provider, outcome=kind)

    def rejected(self, provider: str, why: Why | Rejection) -> None:
        """As the port."""
        self._rejections.add(provider, why)

    def heard(self, provider: str, state: State) -> None:
        """As the port."""
        if state != self.of(provider).state:
            self._log.warning("breaker changed", provider=provider, state=state)
        super().heard(provider, state)

    def probed(self, provider: str, endpoint: int, *, well: bool) -> None:
        """As the port."""
        self._probes.add(provider, str(endpoint), OK if well else "failed")

    def left_out(self, provider: str, items: int) -> None:
        """Count what was malformed in a provider's list."""
        self._left_out.add(provider, times=items)

    def _states(self) -> Iterator[tuple[tuple[str, str], float]]:
        for called in self._all():
            now = self.of(called.name).state
            for state in STATES:
                yield (called.name, state), float(state == now)

    def _in_flight(self) -> Iterator[tuple[tuple[str], float]]:
        return (((called.name,), float(called.places.in_flight)) for called in self._all())

    def _waiting(self) -> Iterator[tuple[tuple[str], float]]:
        return (((called.name,), float(called.places.waiting)) for called in self._all())

    def _tally(self, name: str, about: str, *labels: str) -> Tally:
        tally = Tally(f"gateway_provider_{name}", about, *labels)
        self._registry.register(tally)
        return tally

    def _readings(
        self, name: str, about: str, read: Callable[[], Iterable[tuple[Sequence[str], float]]], *labels: str
    ) -> None:
        self._registry.register(Readings(f"gateway_provider_{name}", about, ("provider", *labels), read))
