"""Calls to the providers: as many at once as each allows, each within its time-out, each counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import structlog

from reference_gateway.adapters.providers import ADAPTERS, FailureKind, ListCall, Listing, ProviderFailed
from reference_gateway.adapters.redis.stored_offers import encode
from reference_gateway.core.cache.ports import CallFailed, Fetched
from reference_gateway.edge import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.adapters.credentials import CredentialSource
    from reference_gateway.core.offer import Offer
    from reference_gateway.edge.metrics import Metrics
    from reference_gateway.edge.provider_health import ProviderHealth
    from reference_gateway.edge.providers_file import Provider

INLINE_MAX = 200
"""Offers that are written for the shared tier on the event loop, in about a millisecond."""


class ProviderCalls:
    """The port `Provider` over the adapters."""

    def __init__(
        self,
        providers: Sequence[Provider],
        credentials: CredentialSource,
        timeout_s: float,
        *,
        metrics: Metrics,
        health: ProviderHealth,
    ) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._health = health
        self._places = {provider.name: asyncio.Semaphore(provider.concurrency) for provider in providers}
        self._outcomes: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every provider, in the file's order."""
        return tuple(self._providers)

    def open(self) -> None:
        """Make ready to call; needs the running loop."""
        # Each provider has its own bound; one over all of them would let some wait for the answers of others.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    async def close(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()

    def states(self) -> dict[str, str]:
        """Tell of each provider `ok`, `unknown` (not called yet), or the kind of its last call's failure."""
        return {name: self._outcomes.get(name, "unknown") for name in self.names}

    async def fetch(self, key: str) -> Fetched:
        """As the port."""
        provider = self._providers[key.partition("/")[2]]
        begun_ns = clock.monotonic_ns()
        try:
            listing = await self._list(provider)
        except ProviderFailed as error:
            self._ended(provider, str(error.kind), begun_ns)
            raise CallFailed(str(error.kind), timed_out=error.kind is FailureKind.TIMEOUT) from None
        self._ended(provider, "ok", begun_ns, listing.left_out)
        return Fetched(listing.offers, await _written(listing.offers), clock.epoch_ms())

    async def _list(self, provider: Provider) -> Listing:
        """Wait for a place and call, both within the time-out."""
        if self._session is None:
            raise ProviderFailed(FailureKind.CONNECTION, "not open")
        deadline_ns = clock.monotonic_ns() + int(self._timeout_s * 1e9)
        place = self._places[provider.name]
        try:
            async with asyncio.timeout(self._timeout_s):
                await place.acquire()
        except TimeoutError:
            raise ProviderFailed(FailureKind.TIMEOUT, "no place within the time-out") from None
        try:
            return await self._call(provider, self._session, (deadline_ns - clock.monotonic_ns()) / 1e9)
        finally:
            place.release()

    async def _call(self, provider: Provider, session: aiohttp.ClientSession, left_s: float) -> Listing:
        credential = await self._credentials.credential_of(provider.name)
        call = ListCall(provider.name, provider.endpoint[0].url, credential, left_s, clock.epoch_ms)
        return await ADAPTERS[provider.adapter].list_offers(session, call)

    def _ended(self, provider: Provider, outcome: str, begun_ns: int, left_out: int = 0) -> None:
        name = provider.name
        self._outcomes[name] = outcome
        self._metrics.call(name, outcome, left_out)
        self._health.ended(name, provider.endpoint[0].url, outcome, clock.monotonic_ns() - begun_ns, clock.epoch_ms())
        if outcome != "ok":
            structlog.get_logger().warning("provider call failed", provider=name, outcome=outcome)


async def _written(offers: tuple[Offer, ...]) -> bytes:
    """Write the offers for the shared tier; many of them beside the event loop."""
    return encode(offers) if len(offers) <= INLINE_MAX else await asyncio.to_thread(encode, offers)
