"""What surrounds the instances: the providers as the judge says, the shared tier, and what happens to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from reference_gateway.adapters.providers import FailureKind, ProviderFailed
from reference_gateway.adapters.providers.wire import decode, refusal
from reference_gateway.core.cache.shared_key import Ask as KeyAsk
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from reference_gateway.adapters.providers.port import Result, WireRequest
    from reference_gateway.adapters.redis.stepped_cache import SteppedCache
    from reference_gateway.conformance.times import Times
    from reference_gateway.conformance.turns import Process, SteppedGate, Turns
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.ports import Lease, Told

StoreState = Literal["well", "refusing", "hanging"]
PROBE_MS = 100
"""How soon an instance sees that the store is back."""
OK = 200


class Declared(Protocol):
    """A provider as the providers file would declare it: by attribute, as the judge's own has them."""

    @property
    def name(self) -> str:
        """Free."""

    @property
    def adapter(self) -> str:
        """Whose API it speaks."""

    @property
    def endpoints(self) -> Sequence[tuple[str, float]]:
        """Base URL and weight of each."""

    @property
    def concurrency(self) -> int:
        """Calls in flight per instance."""

    @property
    def queue(self) -> int:
        """Calls that may wait for a place."""

    @property
    def poll_s(self) -> float | None:
        """None: as the setting says."""

    @property
    def rate_per_s(self) -> float | None:
        """Calls a second over all instances; None: no bound."""

    @property
    def credential(self) -> Mapping[str, str]:
        """The house's, by the adapter's field names."""


class Upstream(Protocol):
    """What a request to a provider will be answered."""

    @property
    def number(self) -> int:
        """Under which it is told that the request was given up."""

    @property
    def after_ms(self) -> int | None:
        """How long after the request began; None: never."""

    @property
    def status(self) -> int | None:
        """None: the connection is reset."""

    @property
    def body(self) -> bytes:
        """In the wire format of the provider's adapter."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""


@dataclass(frozen=True)
class UpstreamRequest:
    """A request to a provider, as the judge's own has it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


Ask = Callable[[int, str, str, UpstreamRequest], Upstream]
"""Of which instance, to which provider, at which base URL, what."""


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


class SteppedWire:
    """The port `Wire` to one endpoint: each request meets what the judge said, and is given up when time is up."""

    def __init__(
        self,
        ask: Callable[[UpstreamRequest], Upstream],
        left: Callable[[int], None],
        runtime: SteppedRuntime,
        within_ms: int,
        each_ms: int,
    ) -> None:
        """`within_ms` bounds all requests together, `each_ms` each of them."""
        self._ask = ask
        self._left = left
        self._runtime = runtime
        self._until_ms = runtime.now_ms() + within_ms
        self._each_ms = each_ms

    async def send(self, request: WireRequest, read: Callable[[object], Result]) -> Result:
        """As the port."""
        wait_ms = min(self._each_ms, max(0, self._until_ms - self._runtime.now_ms()))
        met = self._ask(UpstreamRequest(request.method, request.path, request.headers, request.body))
        if met.after_ms is None or met.after_ms >= wait_ms:
            await self._runtime.sleep(wait_ms)
            self._left(met.number)
            raise ProviderFailed(FailureKind.TIMEOUT, "no whole answer within the time-out")
        await self._runtime.sleep(met.after_ms)
        if met.status is None:
            raise ProviderFailed(FailureKind.CONNECTION, "the connection broke")
        if met.status != OK:
            raise refusal(met.status, met.headers.get("retry-after", ""), self._runtime.now_ms())
        return read(decode(met.body))


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
        asked = KeyAsk(key, self._token(), newer_than, have, times.lifetimes.ttl_ms, times.use_ms, times.lease_ms)
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
