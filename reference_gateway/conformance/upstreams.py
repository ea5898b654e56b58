"""How an instance of a judge's calls providers: its way to what all know of them, and who makes an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.adapters.calling import AdapterCaller, Means
from reference_gateway.adapters.providers import ADAPTERS
from reference_gateway.adapters.redis.stored_offers import encode
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.upstream.balancer import exact
from reference_gateway.core.upstream.pace import is_due
from reference_gateway.core.upstream.remembered import Remembered, as_theirs
from reference_gateway.core.upstream.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reference_gateway.adapters.providers import Wire
    from reference_gateway.adapters.redis.stepped_upstreams import SteppedUpstreams
    from reference_gateway.conformance.world import Declared, Line, SteppedRuntime
    from reference_gateway.core.credentials.ports import Credentials
    from reference_gateway.core.offer import Offer
    from reference_gateway.core.upstream.ports import Admission, Attempted, Outcome, Refused, Rules, State, Upstream


def terms_of(declared: Declared, poll_ms: int) -> Terms:
    """Read a declaration; `poll_ms` is for who says nothing of polls."""
    return Terms(
        weights=exact([weight for _, weight in declared.endpoints]),
        concurrency=declared.concurrency,
        queue=declared.queue,
        poll_ms=poll_ms if declared.poll_s is None else int(declared.poll_s * 1000),
        rate_per_s=declared.rate_per_s,
        polled_only=ADAPTERS[declared.adapter].polled_only,
    )


class SteppedStore:
    """The port `UpstreamStore` of one instance: what all share, and while that is away what it remembers of it."""

    def __init__(
        self, line: Line, runtime: SteppedRuntime, shared: SteppedUpstreams, rules: Callable[[str], Rules]
    ) -> None:
        self._line = line
        self._runtime = runtime
        self._shared = shared
        self._rules = rules
        self._known: dict[str, Remembered] = {}
        self._turns: dict[str, int] = {}

    async def admit(self, provider: str) -> Admission | Refused:
        """As the port."""
        rules = self._rules(provider)
        if await self.reaches():
            answer = self._shared.admit(provider, rules, self._now_ms())
            self._remember(provider)
            return answer
        self._known[provider], answer = self.mine(provider).admit(provider, rules, self._now_ms())
        return answer

    async def still_closed(self, admission: Admission) -> bool:
        """As the port."""
        rules = self._rules(admission.provider)
        if await self.reaches():
            return self._shared.still_closed(as_theirs(admission), rules, self._now_ms())
        return self.mine(admission.provider).still_closed(admission, rules, self._now_ms())

    async def finish(
        self, admission: Admission, outcome: Outcome, attempts: Sequence[Attempted], *, retry_after_ms: int = 0
    ) -> State:
        """As the port."""
        provider, rules = admission.provider, self._rules(admission.provider)
        if await self.reaches():
            state = self._shared.finish(
                as_theirs(admission), outcome, attempts, rules, self._now_ms(), retry_after_ms=retry_after_ms
            )
            self._remember(provider)
            return state
        self._known[provider], state = self.mine(provider).finish(
            admission, outcome, attempts, rules, self._now_ms(), retry_after_ms=retry_after_ms
        )
        return state

    async def probed(self, provider: str, endpoint: int, *, well: bool) -> None:
        """As the port."""
        rules = self._rules(provider)
        if await self.reaches():
            self._shared.probed(provider, endpoint, rules, self._now_ms(), well=well)
            self._remember(provider)
        else:
            self._known[provider] = self.mine(provider).probed(endpoint, rules, self._now_ms(), well=well)

    async def turn(self, name: str, every_ms: int) -> bool:
        """As the port."""
        if await self.reaches():
            ours = self._shared.turn(name, every_ms, self._now_ms())
        else:
            ours = is_due(self._turns.get(name), every_ms, self._now_ms())
        if ours:
            self._turns[name] = self._now_ms()
        return ours

    async def look(self, provider: str) -> Upstream:
        """As the port."""
        if await self.reaches():
            self._remember(provider)
        return self.mine(provider).shared.look(self._rules(provider), self._now_ms())

    async def reaches(self) -> bool:
        """Find out whether the store answers."""
        try:
            await self._line.reach()
        except StoreAway:
            return False
        return True

    def mine(self, provider: str) -> Remembered:
        """Tell what this instance goes by alone."""
        return self._known.get(provider) or Remembered()

    def _remember(self, provider: str) -> None:
        now_ms = self._now_ms()
        shared = self._shared.shared(provider, self._rules(provider), now_ms)
        self._known[provider] = Remembered.told(shared, now_ms, now_ms)

    def _now_ms(self) -> int:
        return self._runtime.now_ms()


def caller_of(
    declared: Mapping[str, Declared],
    credentials: Credentials,
    open_wire: Callable[[str, int, int, int], Wire],
    runtime: SteppedRuntime,
) -> AdapterCaller:
    """Make who speaks to the judge's providers."""

    async def write(offers: tuple[Offer, ...]) -> bytes:
        return encode(offers)

    means = Means(
        adapter=lambda provider: declared[provider].adapter,
        credentials=credentials,
        wire=open_wire,
        now_ms=runtime.now_ms,
        write=write,
        left_out=lambda _provider, _count: None,
    )
    return AdapterCaller(means)
