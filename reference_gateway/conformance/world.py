"""What surrounds the instances: the providers as the judge says, the shared tier, and what happens to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from reference_gateway.adapters.providers.lambda_cloud import read_listing
from reference_gateway.adapters.providers.port import ProviderFailed
from reference_gateway.adapters.providers.wire import decode
from reference_gateway.adapters.redis.stored_offers import encode
from reference_gateway.core.cache.ports import CallFailed, Fetched, Told
from reference_gateway.core.cache.shared_key import Ask
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.conformance.times import Times
    from reference_gateway.conformance.turns import Process, SteppedGate, Turns
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.ports import Lease

StoreState = Literal["well", "refusing", "hanging"]
PROBE_MS = 100
"""How soon an instance sees that the store is back."""
OK = 200


class Upstream(Protocol):
    """What a provider will answer to one list call: by attribute, as the judge's own has them."""

    @property
    def after_ms(self) -> int | None:
        """How long after the call began; None: never."""

    @property
    def status(self) -> int | None:
        """None: the connection is reset."""

    @property
    def body(self) -> bytes:
        """In the wire format of the adapter `lambda`."""


class SteppedRuntime:
    """The port `Runtime` on the judge's clock."""

    def __init__(self, turns: Turns, process: Process, dice: Callable[[], float]) -> None:
        self._turns = turns
        self._process = process
        self.dice = dice

    def now_ms(self) -> int:
        """As the port."""
        return self._turns.clock.now_ms()

    def gate(self) -> SteppedGate:
        """As the port."""
        return self._turns.gate()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """As the port."""
        self._turns.start(self._process, work)

    async def sleep(self, duration_ms: int) -> None:
        """Let so much time pass."""
        await self.gate().passed(duration_ms)


class SteppedProvider:
    """The port `Provider`: each call meets what the judge said, and is given up after the time-out."""

    def __init__(self, call: Callable[[str], Upstream], runtime: SteppedRuntime, timeout_ms: int) -> None:
        self._call = call
        self._runtime = runtime
        self._timeout_ms = timeout_ms

    async def fetch(self, key: str) -> Fetched:
        """As the port."""
        provider = key.partition("/")[2]
        upstream = self._call(provider)
        if upstream.after_ms is None or upstream.after_ms >= self._timeout_ms:
            await self._runtime.sleep(self._timeout_ms)
            raise CallFailed("timeout", timed_out=True)
        await self._runtime.sleep(upstream.after_ms)
        return self._read(upstream, provider)

    def _read(self, upstream: Upstream, provider: str) -> Fetched:
        if upstream.status != OK:
            raise CallFailed("connection" if upstream.status is None else "status")
        as_of_ms = self._runtime.now_ms()
        try:
            offers = read_listing(decode(upstream.body), provider, as_of_ms).offers
        except ProviderFailed as error:
            raise CallFailed(str(error.kind)) from None
        return Fetched(offers, encode(offers), as_of_ms)


class Store:
    """The shared tier of all instances, and how it is now."""

    def __init__(self, cache: SteppedCache, tell: Callable[[str, str, int], None]) -> None:
        """`tell` brings all instances the news of a key: `free`, `filled`, or `outdated` up to a floor."""
        self.cache = cache
        self.tell = tell
        self.state: StoreState = "well"


class Line:
    """One instance's way to the store: what it costs to find out that it is away, and how it is found again."""

    def __init__(self, store: Store, runtime: SteppedRuntime, budget_ms: int, back: Callable[[], None]) -> None:
        self.store = store
        self._runtime = runtime
        self._budget_ms = budget_ms
        self._back = back
        self.away = False
        self.dead = False

    async def reach(self) -> None:
        """Return if the store answers; raises `StoreAway`, at once where that is known."""
        if self.dead or self.away:
            raise StoreAway("known to be away")
        if self.store.state == "well":
            return
        if self.store.state == "hanging":
            await self._runtime.sleep(self.patience_ms())
        self.lose()
        raise StoreAway(self.store.state)

    def patience_ms(self) -> int:
        """Say how long a store that hangs is waited for."""
        return self._budget_ms

    def lose(self) -> None:
        """Wait for it no more, and look for it."""
        if not self.away:
            self.away = True
            self._runtime.start(self._look_for_it())

    async def _look_for_it(self) -> None:
        while self.away:
            await self._runtime.sleep(PROBE_MS)
            if self.store.state == "well":
                self.away = False
        self._back()


class SteppedL1:
    """The port `L1Store` of one instance."""

    def __init__(self, line: Line, runtime: SteppedRuntime, times: Times, name: str) -> None:
        self._line = line
        self._cache = line.store.cache
        self._runtime = runtime
        self._times = times
        self._name = name
        self._tokens = 0

    async def ask(self, key: str, *, newer_than: int, have: int) -> Told:
        """As the port."""
        await self._line.reach()
        times = self._times
        asked = Ask(key, self._token(), newer_than, have, times.lifetimes.ttl_ms, times.use_ms, times.lease_ms)
        return self._cache.ask(asked, self._runtime.now_ms())

    async def write(self, lease: Lease, entry: Entry, stored: bytes) -> bool:
        """As the port."""
        await self._line.reach()
        written = self._cache.write(lease, entry, stored, self._runtime.now_ms())
        if written:
            self._line.store.tell(lease.key, "filled", 0)
        return written

    async def renew(self, lease: Lease) -> bool:
        """As the port."""
        await self._line.reach()
        return self._cache.renew(lease, self._times.lease_ms, self._runtime.now_ms())

    async def release(self, lease: Lease) -> None:
        """As the port."""
        await self._line.reach()
        self._cache.release(lease, self._runtime.now_ms())
        self._line.store.tell(lease.key, "free", 0)

    async def invalidate(self, key: str) -> int:
        """As the port."""
        await self._line.reach()
        floor = self._cache.invalidate(key, self._runtime.now_ms())
        self._line.store.tell(key, "outdated", floor)
        return floor

    async def floors(self, keys: Sequence[str]) -> Mapping[str, int]:
        """As the port."""
        await self._line.reach()
        floors = {key: self._cache.floor(key, self._runtime.now_ms()) for key in keys}
        return {key: floor for key, floor in floors.items() if floor}

    def _token(self) -> str:
        self._tokens += 1
        return f"{self._name}-{self._tokens}"


class NobodyCounts:
    """The port `Observer` of who wants to know nothing."""

    def lookup(self, tier: str, outcome: str) -> None:
        """As the port."""

    def lease(self, outcome: str) -> None:
        """As the port."""

    def refresh(self, reason: str) -> None:
        """As the port."""
