"""The newest list of each provider, and one call at a time for a newer one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import structlog

from reference_gateway.adapters.providers import ADAPTERS, FailureKind, ListCall, ProviderFailed
from reference_gateway.edge import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.adapters.credentials import CredentialSource
    from reference_gateway.core.offer import Offer
    from reference_gateway.edge.metrics import Metrics
    from reference_gateway.edge.provider_health import ProviderHealth
    from reference_gateway.edge.providers_file import Provider

CONNECTIONS_MAX = 100
"""To all providers together; each has one call in flight."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a provider offered at one moment."""

    provider: str
    offers: tuple[Offer, ...]
    as_of_ms: int
    taken_ns: int
    """The moment on the monotonic clock at which its call began: no price in it is older than that."""


class Bounds(NamedTuple):
    """How long a list counts, and how long a call may take."""

    ttl_ns: int
    stale_ns: int
    upstream_timeout_s: float


class ProviderLists:
    """Keeps the lists; whoever asks for a newer one joins the call that runs."""

    def __init__(
        self,
        providers: Sequence[Provider],
        credentials: CredentialSource,
        bounds: Bounds,
        *,
        metrics: Metrics,
        health: ProviderHealth,
    ) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._credentials = credentials
        self.bounds = bounds
        self._metrics = metrics
        self._health = health
        self._known: dict[str, Known] = {}
        self._calls: dict[str, asyncio.Task[Known]] = {}
        self._failing: dict[str, FailureKind] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every provider, in the file's order."""
        return tuple(self._providers)

    def open(self) -> None:
        """Make ready to call; needs the running loop."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    async def close(self) -> None:
        """End what is under way."""
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def fresh(self, name: str, now_ns: int, ttl_ns: int | None = None) -> Known | None:
        """Return the list if it is younger than `ttl_ns` (None: than its own TTL)."""
        return self._younger(name, now_ns, self.bounds.ttl_ns if ttl_ns is None else ttl_ns)

    def last_known(self, name: str, now_ns: int) -> Known | None:
        """Return the list if it may still be shown, marked stale."""
        return self._younger(name, now_ns, self.bounds.stale_ns)

    def refresh(self, name: str) -> asyncio.Task[Known]:
        """Start a call, or join the one that runs. Its exception is `ProviderFailed`."""
        call = self._calls.get(name)
        if call is None:
            call = asyncio.get_running_loop().create_task(self._call(self._providers[name]), name=f"list {name}")
            self._calls[name] = call
            begun_ns = clock.monotonic_ns()
            call.add_done_callback(lambda done: self._ended(name, done, begun_ns))
        return call

    def states(self) -> dict[str, str]:
        """Tell of each provider `ok`, `unknown` (not called yet), or the kind of its last call's failure."""
        return {name: str(self._failing.get(name, "ok" if name in self._known else "unknown")) for name in self.names}

    def _younger(self, name: str, now_ns: int, age_ns: int) -> Known | None:
        known = self._known.get(name)
        return known if known is not None and now_ns - known.taken_ns < age_ns else None

    async def _call(self, provider: Provider) -> Known:
        taken_ns = clock.monotonic_ns()
        call = ListCall(
            provider.name,
            provider.endpoint[0].url,
            await self._credentials.credential_of(provider.name),
            self.bounds.upstream_timeout_s,
            clock.epoch_ms,
        )
        if self._session is None:
            raise ProviderFailed(FailureKind.CONNECTION, "not open")
        listing = await ADAPTERS[provider.adapter].list_offers(self._session, call)
        self._metrics.call(provider.name, "ok", listing.left_out)
        return Known(provider.name, listing.offers, clock.epoch_ms(), taken_ns)

    def _ended(self, name: str, call: asyncio.Task[Known], begun_ns: int) -> None:
        del self._calls[name]
        if call.cancelled():
            return
        error = call.exception()
        if error is None:
            self._known[name] = call.result()
            self._failing.pop(name, None)
            self._note(name, "ok", begun_ns)
            return
        kind = error.kind if isinstance(error, ProviderFailed) else FailureKind.UNDECODABLE
        self._note(name, str(kind), begun_ns)
        self._failing[name] = kind
        self._metrics.call(name, str(kind))
        structlog.get_logger().warning("provider call failed", provider=name, outcome=str(kind))

    def _note(self, name: str, outcome: str, begun_ns: int) -> None:
        url, duration_ns = self._providers[name].endpoint[0].url, clock.monotonic_ns() - begun_ns
        self._health.ended(name, url, outcome, duration_ns, clock.epoch_ms())
