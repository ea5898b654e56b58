"""Calls to providers: a place first, then the breaker's word, then an endpoint, and once more another one.

An admission never waits in a queue: a trial that waited there would time out without having been made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.core.cache.entry import is_houses, split_key
from reference_gateway.core.cache.ports import CallFailed
from reference_gateway.core.upstream.balancer import Balancer
from reference_gateway.core.upstream.places import NoPlace, Places
from reference_gateway.core.upstream.ports import CREDENTIAL, NO_CREDENTIAL, Admission, Attempted, AttemptFailed
from reference_gateway.core.upstream.terms import SWEEP_MAX_MS
from reference_gateway.core.upstream.watching import OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.core.cache.ports import Code, Fetched, Runtime
    from reference_gateway.core.upstream.ports import Caller, Outcome, Refused, UpstreamStore
    from reference_gateway.core.upstream.terms import Terms
    from reference_gateway.core.upstream.watching import Rejection, Watcher

UNFINISHED = "unfinished"
"""The kind of a call that somebody ended before its answer."""
CODES: Mapping[str, Code] = {
    "open": "breaker-open",
    "trials": "breaker-open",
    "held": "overloaded",
    "paced": "overloaded",
    "queue-full": "overloaded",
    "no-place": "overloaded",
    NO_CREDENTIAL: "no-credential",
}
"""What a reader is told of a call that never began."""


class Surroundings(NamedTuple):
    """What calls meet."""

    store: UpstreamStore
    caller: Caller
    runtime: Runtime
    watcher: Watcher


@dataclass(frozen=True)
class Called:
    """One provider as this instance calls it."""

    name: str
    terms: Terms
    places: Places
    balancer: Balancer


@dataclass
class Call:
    """One call under way, and all that will count of it."""

    key: str
    called: Called
    admission: Admission
    until_ms: int
    each_ms: int
    attempts: list[Attempted] = field(default_factory=list)
    kind: str = UNFINISHED
    outcome: Outcome = "uncounted"
    retry_after_ms: int = 0

    def tells(self, outcome: Outcome) -> bool:
        """Whether an outcome says how the provider is: what is refused to a user's own credential does not."""
        return outcome != "uncounted" or is_houses(self.key)


class Calls:
    """The port `Provider` of one instance."""

    places_kind: type[Places] = Places
    balancer_kind: type[Balancer] = Balancer

    def __init__(self, surroundings: Surroundings, timeout_ms: int) -> None:
        """`timeout_ms` bounds the wait for a call to begin, and the call; of a poll each request."""
        self._store, self._caller, self._runtime, self._watcher = surroundings
        self._timeout_ms = timeout_ms
        self._called: dict[str, Called] = {}

    def add(self, provider: str, terms: Terms) -> None:
        """Have this provider, too."""
        places = self.places_kind(self._runtime, terms.concurrency, terms.queue)
        self._called[provider] = Called(provider, terms, places, self.balancer_kind(terms.weights))

    def of(self, provider: str) -> Called:
        """Tell how a provider is called."""
        return self._called[provider]

    def polled_only(self, key: str) -> bool:
        """As the port; nobody polls for a user, so his own reads begin the sweeps that fill his keys."""
        return is_houses(key) and self._called[split_key(key)[1]].terms.polled_only

    async def fetch(self, key: str, *, polled: bool = False) -> Fetched:
        """As the port."""
        called = self._called[split_key(key)[1]]
        until_ms = self._runtime.now_ms() + self._timeout_ms
        await self.prepare(called, key)
        await self._take_place(called, until_ms)
        try:
            admission = await self._admission(called, until_ms)
            within_ms = SWEEP_MAX_MS if polled or called.terms.polled_only else self._timeout_ms
            call = Call(key, called, admission, self._runtime.now_ms() + within_ms, self._timeout_ms)
            return await self._make(call)
        finally:
            called.places.give_back()

    # Before the call.

    async def prepare(self, called: Called, key: str) -> None:
        """Have a credential before anything else is taken: neither a place nor a trial is spent on nothing."""
        if not await self._caller.prepare(key):
            raise self._rejected(called, NO_CREDENTIAL)

    async def _take_place(self, called: Called, until_ms: int) -> None:
        """Take a place; whoever would only wait to be refused is refused at once. Raises `CallFailed`."""
        if not called.places.has_free and (await self._store.look(called.name)).state == "open":
            raise self._rejected(called, "open")
        try:
            await called.places.take(until_ms)
        except NoPlace as refused:
            raise self._rejected(called, "queue-full" if refused.full else "no-place") from None

    async def _admission(self, called: Called, until_ms: int) -> Admission:
        """Wait for the provider's rate, as long as there is time, and for nothing else. Raises `CallFailed`."""
        while True:
            answer = await self._store.admit(called.name)
            if isinstance(answer, Admission):
                self._watcher.heard(called.name, answer.known.state)
                return answer
            if not self.is_worth_waiting(answer, until_ms):
                raise self._rejected(called, answer.why)
            await self._runtime.gate().passed(max(1, answer.left_ms))

    def is_worth_waiting(self, refused: Refused, until_ms: int) -> bool:
        """Say whether a call that was refused asks again."""
        return refused.why == "paced" and self._runtime.now_ms() + refused.left_ms < until_ms

    def _rejected(self, called: Called, why: Rejection) -> CallFailed:
        self._watcher.rejected(called.name, why)
        if why in {"open", "trials"}:
            self._watcher.heard(called.name, "open" if why == "open" else "half-open")
        return CallFailed(why, CODES[why])

    # The call.

    async def _make(self, call: Call) -> Fetched:
        """Make it, and have its end counted whatever it is; raises `CallFailed`."""
        begun_ms = self._runtime.now_ms()
        try:
            fetched = await self._attempts(call)
        except AttemptFailed as failed:
            call.kind, call.outcome, call.retry_after_ms = failed.kind, failed.outcome, failed.retry_after_ms
            raise CallFailed(failed.kind, _code_of(failed)) from None
        else:
            call.kind, call.outcome = OK, "success"
            return fetched
        finally:
            took_ms, tells = self._runtime.now_ms() - begun_ms, call.tells(call.outcome)
            self._watcher.ended(call.called.name, call.kind, took_ms, tells=tells)
            await self._count(call)

    async def _count(self, call: Call) -> None:
        state = await self._store.finish(
            call.admission, call.outcome, call.attempts, retry_after_ms=call.retry_after_ms
        )
        self._watcher.heard(call.called.name, state)

    async def _attempts(self, call: Call) -> Fetched:
        """Attempt it once, or twice; raises `AttemptFailed`, of the last."""
        first = call.called.balancer.choose(call.admission.known.endpoints)
        try:
            return await self._attempt(call, first)
        except AttemptFailed as failed:
            again = await self.again_at(call, first, failed)
            if again is None:
                raise
        return await self._attempt(call, again)

    async def again_at(self, call: Call, first: int, failed: AttemptFailed) -> int | None:
        """Say at which endpoint the call is attempted once more, if it is.

        A provider that asked for a pause is left alone; a credential that was refused is read anew in any case.
        """
        if failed.kind == CREDENTIAL:
            other = first if await self._caller.refresh(call.key) else None
        elif failed.outcome == "uncounted" or failed.retry_after_ms:
            other = None
        else:
            other = call.called.balancer.other(call.admission.known.endpoints, first)
        if other is None or self._left_ms(call) <= 0:
            return None
        return other if await self._store.still_closed(call.admission) else None

    async def _attempt(self, call: Call, endpoint: int) -> Fetched:
        begun_ms = self._runtime.now_ms()
        try:
            fetched = await self._caller.attempt(call.key, endpoint, self._left_ms(call), call.each_ms)
        except AttemptFailed as failed:
            self._attempted(call, endpoint, failed.kind, begun_ms, failed.outcome)
            raise
        self._attempted(call, endpoint, OK, begun_ms, "success")
        return fetched

    def _attempted(self, call: Call, endpoint: int, kind: str, begun_ms: int, outcome: Outcome) -> None:
        took_ms = self._runtime.now_ms() - begun_ms
        call.attempts.append(Attempted(endpoint, took_ms, outcome == "failure"))
        self._watcher.attempted(call.called.name, endpoint, kind, took_ms, tells=call.tells(outcome))

    def _left_ms(self, call: Call) -> int:
        return max(0, call.until_ms - self._runtime.now_ms())


def _code_of(failed: AttemptFailed) -> Code:
    if failed.kind == NO_CREDENTIAL:
        return "no-credential"
    return "timeout" if failed.timed_out else "unavailable"
