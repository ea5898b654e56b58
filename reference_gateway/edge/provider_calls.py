"""The providers as one instance reaches them: its calls, its probes, and what all instances know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from reference_gateway.adapters.calling import AdapterCaller, Means
from reference_gateway.adapters.redis.stored_offers import encode
from reference_gateway.core.credentials.lately import Lately
from reference_gateway.core.upstream.calls import Calls, Surroundings
from reference_gateway.core.upstream.probes import Probes
from reference_gateway.core.upstream.rounds import Rounds
from reference_gateway.edge import clock
from reference_gateway.edge.provider_metrics import ProviderMetrics
from reference_gateway.edge.settings import whole_ms
from reference_gateway.edge.wires import Wires

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prometheus_client import CollectorRegistry

    from reference_gateway.core.cache.ports import Runtime
    from reference_gateway.core.credentials.ports import Credentials
    from reference_gateway.core.offer import Offer
    from reference_gateway.core.upstream.ports import UpstreamStore
    from reference_gateway.core.upstream.terms import Terms
    from reference_gateway.edge.providers_file import Provider
    from reference_gateway.edge.settings import Settings

UNFIT_SAID_MS: Final = 60_000
"""One line a provider so often."""
INLINE_MAX: Final = 200
"""Offers that are written for the shared tier on the event loop, in about a millisecond."""


class ProviderCalls:
    """Everything between the cache and the providers."""

    def __init__(  # noqa: PLR0913 - the parts of a call
        self,
        settings: Settings,
        providers: Sequence[Provider],
        *,
        store: UpstreamStore,
        credentials: Credentials,
        runtime: Runtime,
        registry: CollectorRegistry,
    ) -> None:
        self._terms: Mapping[str, Terms] = {each.name: each.terms(settings.poll_s) for each in providers}
        self._unfit_said = Lately(runtime, UNFIT_SAID_MS, len(self._terms))
        adapters = {each.name: each.adapter for each in providers}
        self.metrics = ProviderMetrics(registry, lambda: [self.calls.of(name) for name in self._terms])
        self.wires = Wires(providers)
        means = Means(
            adapter=adapters.__getitem__,
            credentials=credentials,
            wire=self.wires.wire,
            now_ms=clock.epoch_ms,
            write=_written,
            left_out=self.metrics.left_out,
            unfit=self._unfit,
        )
        timeout_ms = whole_ms(settings.upstream_timeout_s)
        surroundings = Surroundings(store, AdapterCaller(means), runtime, self.metrics)
        self.store = store
        self.rounds = Rounds(store, runtime)
        self.calls = Calls(surroundings, timeout_ms)
        every_ms = whole_ms(settings.health_interval_s)
        self._probes = Probes(surroundings, self.rounds, every_ms=every_ms, timeout_ms=timeout_ms)
        for name, terms in self._terms.items():
            self.calls.add(name, terms)

    @property
    def terms(self) -> Mapping[str, Terms]:
        """Every provider's, in the file's order."""
        return self._terms

    def _unfit(self, provider: str) -> None:
        """Tell the log, and of what is wrong with it nothing: that is the credential's own."""
        if not self._unfit_said.had(provider):
            self._unfit_said.note(provider)
            structlog.get_logger().warning("credential lacks what its provider is shown", provider=provider)

    def open(self) -> None:
        """Make ready to call, and begin to probe; needs the running loop."""
        self.wires.open()
        for name, terms in self._terms.items():
            self._probes.watch(name, len(terms.weights))

    async def close(self) -> None:
        """Give back the connections."""
        await self.wires.close()

    def states(self) -> dict[str, str]:
        """Tell of each provider `ok`, `unknown` (not called yet), or the kind of its last call's failure."""
        return {name: self.metrics.of(name).call.outcome or "unknown" for name in self._terms}


async def _written(offers: tuple[Offer, ...]) -> bytes:
    """Write the offers for the shared tier; many of them beside the event loop."""
    return encode(offers) if len(offers) <= INLINE_MAX else await asyncio.to_thread(encode, offers)
