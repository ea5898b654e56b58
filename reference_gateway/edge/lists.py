"""The providers' lists through all tiers: everything between a read and the wires to Redis and the providers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from reference_gateway.adapters.redis import Terms, channel_of, open_cache, open_notices, open_upstreams
from reference_gateway.core.cache.entry import Lifetimes
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.refreshes import Outside
from reference_gateway.core.cache.tiers import MultiTierCache
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.upstream.polls import Polls
from reference_gateway.edge.credentials import credentials_of, open_vault
from reference_gateway.edge.finding import Finding
from reference_gateway.edge.provider_calls import ProviderCalls
from reference_gateway.edge.provider_health import ProviderHealth
from reference_gateway.edge.runtime import LoopRuntime
from reference_gateway.edge.settings import whole_ms
from reference_gateway.edge.vault_metrics import WatchedVault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.adapters.redis import Healths
    from reference_gateway.edge.metrics import Metrics
    from reference_gateway.edge.providers_file import Provider
    from reference_gateway.edge.settings import Settings

TOKEN_BYTES: Final = 12


class Lists:
    """What an instance keeps of its providers, and its part in what all instances keep."""

    def __init__(
        self,
        settings: Settings,
        providers: Sequence[Provider],
        healths: Healths,
        metrics: Metrics,
    ) -> None:
        self._runtime = LoopRuntime()
        rules = {each.name: each.terms(settings.poll_s).rules(settings.rules) for each in providers}
        self._upstreams = open_upstreams(settings.redis_url, rules, healths)
        self._vault = open_vault(settings)
        watched = WatchedVault(self._vault, metrics.registry, self._runtime)
        self.credentials = credentials_of(settings, watched, self._runtime)
        watched.watch_away(lambda: self.credentials.away)
        self._reached = ProviderCalls(
            settings,
            providers,
            store=self._upstreams,
            credentials=self.credentials,
            runtime=self._runtime,
            registry=metrics.registry,
        )
        self.health = ProviderHealth(self._reached)
        lifetimes = Lifetimes(whole_ms(settings.ttl_pricing_s), whole_ms(settings.stale_s), settings.xfetch_beta)
        use_ms, lease_ms = max(lifetimes.keep_ms, whole_ms(settings.ttl_static_s)), whole_ms(settings.lease_s)
        terms = Terms(lifetimes.ttl_ms, use_ms, lease_ms, channel_of(settings.redis_url))
        self._l1 = open_cache(settings.redis_url, terms, healths, lambda: secrets.token_hex(TOKEN_BYTES))
        outside = Outside(self._l1, self._reached.calls, self._runtime, metrics)
        self.cache = MultiTierCache(L2InMemoryCache(use_ms), outside, lifetimes, lease_ms)
        names, deadline_ms = tuple(self._reached.terms), whole_ms(settings.deadline_s)
        self.finding = Finding(names, self.cache, self.credentials, self._runtime, deadline_ms)
        self._polls = Polls(self.cache, self._reached.rounds)
        self._notices = open_notices(settings.redis_url, self)
        healths.on_back(lambda _: self._runtime.start(self._revalidate()))

    async def open(self) -> None:
        """Make ready to read; waits for Redis a moment."""
        await self._l1.start()
        await self._upstreams.start()
        self._notices.start()
        self._reached.open()
        for name, terms in self._reached.terms.items():
            self._polls.watch(name, terms.poll_ms)

    async def close(self) -> None:
        """End what is under way, polls and probes first: whoever leads gives his lease back, a call its admission."""
        self._reached.rounds.end()
        await self._notices.close()
        await self._runtime.close()
        await self._l1.close()
        await self._upstreams.close()
        await self._reached.close()
        await self._vault.close()

    def states(self) -> dict[str, str]:
        """Tell of each provider `ok`, `unknown` (not called yet), or the kind of its last call's failure."""
        return self._reached.states()

    def free(self, key: str) -> None:
        """As `Hearer`."""
        self.cache.refreshes.news(key)

    def filled(self, key: str) -> None:
        """As `Hearer`."""
        self.cache.filled(key)

    def outdated(self, key: str, floor: int) -> None:
        """As `Hearer`."""
        self.cache.mark(key, floor)

    async def missed(self) -> None:
        """As `Hearer`."""
        await self.cache.revalidate()

    async def _revalidate(self) -> None:
        """While Redis was away others may have invalidated what we hold; if it is gone again, there is a next time."""
        try:
            await self.cache.revalidate()
        except StoreAway:
            return
