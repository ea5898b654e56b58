"""Instances of the read path on one real Redis, over providers that show each credential a list of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis import (
    Healths,
    Terms,
    channel_of,
    open_cache,
    open_notices,
    open_snapshots,
)
from reference_gateway.adapters.redis.stored_offers import encode
from reference_gateway.conformance.world import NobodyCounts
from reference_gateway.core.cache.entry import HOUSE, Lifetimes, split_key
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.ports import CallFailed, Fetched
from reference_gateway.core.cache.refreshes import Outside
from reference_gateway.core.cache.tiers import MultiTierCache
from reference_gateway.core.credentials.manager import owner_of
from reference_gateway.core.filters import parse_query
from reference_gateway.edge import clock
from reference_gateway.edge.cursors import Cursors
from reference_gateway.edge.finding import Finding
from reference_gateway.edge.pages import Pages
from reference_gateway.edge.reads import OfferReads
from reference_gateway.edge.ready import ReadyAnswers
from reference_gateway.edge.routes import CATALOG_KEY, offer_key
from reference_gateway.edge.runtime import LoopRuntime
from reference_gateway.edge.snapshots import Snapshots
from tests.gateway_owners.little_credentials import LittleCredentials
from tests.gateway_pages.offers_at_hand import offer

if TYPE_CHECKING:
    from reference_gateway.adapters.redis import Notices, RedisL1
    from reference_gateway.edge.reads import Read

PROVIDERS = ("p", "q")
DEADLINE_MS = 5_000
LIFE_MS = 300_000
PATIENT_US = 5_000_000
USE_MS = 86_400_000

_tokens = count(1)


class Clouds:
    """Every provider: whoever has a credential is shown its own price, and calls are counted by their keys."""

    def __init__(self) -> None:
        self.prices: dict[str, str] = {HOUSE: "1"}
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.as_of_ms = clock.epoch_ms()
        """Of every list, so that no moment tells two apart."""
        self.open = asyncio.Event()
        """While it is not set, calls wait."""
        self.open.set()

    def polled_only(self, key: str) -> bool:
        return not key

    async def fetch(self, key: str, *, polled: bool = False) -> Fetched:
        assert not polled
        self.calls.append(key)
        await self.open.wait()
        if key in self.failing:
            raise CallFailed("credential")
        owner, provider = split_key(key)
        price = self.prices.setdefault(owner, str(1 + len(self.prices)))
        offers = tuple(offer(provider, number, price=price) for number in range(3))
        return Fetched(offers, encode(offers), self.as_of_ms)


@dataclass
class Instance:
    """One process's read path."""

    reads: OfferReads
    cache: MultiTierCache
    credentials: LittleCredentials
    notices: Notices | None = None
    parts: list[Any] = field(default_factory=list)

    # As `Hearer`.

    def free(self, key: str) -> None:
        self.cache.refreshes.news(key)

    def filled(self, key: str) -> None:
        self.cache.filled(key)

    def outdated(self, key: str, floor: int) -> None:
        self.cache.mark(key, floor)

    async def missed(self) -> None:
        await self.cache.revalidate()

    # What a reader does.

    def ready(self, raw_query: str, user: str) -> Shown | None:
        """What the fast path would send."""
        return shown_of(self.reads.ready(raw_query.encode(), clock.monotonic_ns(), user))

    def ready_offer(self, offer_id: str, user: str) -> bool:
        return self.reads.ready(offer_key(offer_id), clock.monotonic_ns(), user) is not None

    def ready_catalog(self, user: str) -> bool:
        return self.reads.ready(CATALOG_KEY, clock.monotonic_ns(), user) is not None

    async def read(self, raw_query: str, user: str) -> Shown:
        """What there is behind the fast path."""
        pairs = [tuple(each.split("=", 1)) for each in raw_query.split("&") if each]
        found = shown_of(await self.reads.read(parse_query(pairs), raw_query.encode(), user))  # type: ignore[arg-type] # pairs
        assert found is not None
        return found

    async def close(self) -> None:
        if self.notices is not None:
            await self.notices.close()
        for part in self.parts:
            await part.close()


@dataclass(frozen=True)
class Shown:
    """An answer as its reader sees it."""

    body: dict[str, Any]
    code: str = ""
    etag: str = ""
    cache: str = ""

    @property
    def prices(self) -> dict[str, float]:
        """Of each provider, the one price that it shows."""
        found: dict[str, set[float]] = {}
        for item in self.body["items"]:
            found.setdefault(item["provider"], set()).add(item["price_per_hour"])
        return {name: prices.pop() for name, prices in sorted(found.items()) if len(prices) == 1}

    @property
    def warnings(self) -> list[tuple[str, str]]:
        return [(each["provider"], each["code"]) for each in self.body["warnings"]]


def shown_of(read: Read | None) -> Shown | None:
    if read is None:
        return None
    if read.entry is None:
        assert read.problem is not None
        return Shown({}, read.problem.code)
    return Shown(json.loads(read.entry.body), "", read.entry.etag, read.cache_status)


async def open_instance(url: str, clouds: Clouds, *, ttl_ms: int = 60_000) -> Instance:
    healths = Healths(PATIENT_US, clock.monotonic_us)
    l1: RedisL1 = open_cache(
        url, Terms(ttl_ms, USE_MS, 60_000, channel_of(url)), healths, lambda: f"token-{next(_tokens)}"
    )
    runtime, credentials = LoopRuntime(), LittleCredentials()
    outside = Outside(l1, clouds, runtime, NobodyCounts())
    cache = MultiTierCache(L2InMemoryCache(USE_MS), outside, Lifetimes(ttl_ms, USE_MS, 0), 60_000)
    store = open_snapshots(url, healths)
    snapshots = Snapshots(store, LIFE_MS)
    reads = OfferReads(
        Finding(PROVIDERS, cache, credentials, runtime, DEADLINE_MS),
        ReadyAnswers(),
        snapshots=snapshots,
        pages=Pages(snapshots, Cursors(store), LIFE_MS),
        static_ttl_ms=LIFE_MS,
    )
    instance = Instance(reads, cache, credentials)
    instance.notices = open_notices(url, instance)
    instance.parts = [runtime, l1, store, healths]
    await l1.start()
    instance.notices.start()
    return instance


def key(user: str, provider: str = "p") -> str:
    return f"{owner_of(user)}/{provider}"
