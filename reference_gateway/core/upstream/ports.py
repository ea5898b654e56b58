"""What calls need from outside: what all instances know of a provider, and somebody who makes one attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.ports import Fetched

Outcome = Literal["success", "failure", "uncounted"]
"""Of a call, for the breaker; `uncounted` is a 401, a 403, a 429, or a call that was never made."""
State = Literal["closed", "open", "half-open"]
CREDENTIAL = "credential"
"""The kind of an attempt that failed by a 401 or 403."""
NO_CREDENTIAL: Final = "no-credential"
"""The kind of a call that has nothing to show to its provider."""
Why = Literal["open", "trials", "held", "paced"]
"""Open; half-open with all trials under way; the provider asked for a pause; his rate is used up for the moment."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a provider's breaker, its endpoints' health and its rate go by; times in ms."""

    window: int = 10
    failure_rate: float = 0.5
    open_ms: int = 30_000
    trials: int = 3
    trial_ms: int = 5_000
    slow_ms: int = 2_000
    retry_out_ms: int = 30_000
    """When an endpoint that is out may be tried again, where no probe runs; 0: only a probe brings it back."""
    rate_per_s: float | None = None
    """Calls a second, all instances together; None: no bound."""
    endpoints: int = 1
    """How many the providers file gives it."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What all instances know of an endpoint: by the attempts that were made, and the probes."""

    is_out: bool = False
    """Failed three times in a row, or failed its probe, and no probe has succeeded since."""
    is_slow: bool = False
    """Whether its last 10 attempts averaged more than `Rules.slow_ms`."""
    latency_ms: float | None = None
    """Mean of its last 10 attempts; None before the first."""
    checked_ago_ms: int | None = None
    """When its last probe ended; None: never."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What all instances know of a provider."""

    state: State
    endpoints: tuple[EndpointState, ...]
    """In the order of the providers file."""
    calls: int = 0
    """In the breaker's window."""
    failures: int = 0
    """Of these."""
    held_ms: int = 0
    """For how long the provider asked to be left alone; 0: not now."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The right to make one call; its result counts in this period of the breaker's state alone."""

    provider: str
    period: int
    """Rises with every change of state."""
    trial: int
    """Which trial of the half-open period it is, from 1; 0 where the breaker is closed."""
    known: Upstream
    token: str = ""
    """Whose it is, for the store."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that may not begin now."""

    why: Why
    left_ms: int
    """When it is worth asking again."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt at one endpoint, as it counts for that endpoint."""

    endpoint: int
    """Its place in the providers file."""
    took_ms: int
    failed: bool


class UpstreamStore(Protocol):
    """What all instances share of providers. Never raises: with Redis away each instance goes by its own memory.

    Whatever it says is atomic, and goes by its own clock.
    """

    async def admit(self, provider: str) -> Admission | Refused:
        """Admit one call, if one may begin now."""

    async def still_closed(self, admission: Admission) -> bool:
        """Say whether the breaker is closed, in the period of this admission: only then a second attempt begins."""

    async def finish(
        self, admission: Admission, outcome: Outcome, attempts: Sequence[Attempted], *, retry_after_ms: int = 0
    ) -> State:
        """Count a call's end and its attempts, and hold all calls for `retry_after_ms`; return the state then."""

    async def probed(self, provider: str, endpoint: int, *, well: bool) -> None:
        """Take an endpoint out by a failed probe, or back by one that succeeded."""

    async def turn(self, name: str, every_ms: int) -> bool:
        """Say whether this instance is the one to do something now that is done once in `every_ms` by all.

        A turn that was missed by a moment is offered with the next question: ask several times in `every_ms`.
        """

    async def look(self, provider: str) -> Upstream:
        """Tell how a provider is, changing nothing."""


class AttemptFailed(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """One attempt that brought no list."""

    def __init__(self, kind: str, outcome: Outcome, *, timed_out: bool = False, retry_after_ms: int = 0) -> None:
        """`kind` for logs and metrics; `outcome` for the breaker, if no other attempt follows."""
        super().__init__(kind)
        self.kind = kind
        self.outcome = outcome
        self.timed_out = timed_out
        self.retry_after_ms = retry_after_ms


class Caller(Protocol):
    """Whoever speaks to providers."""

    async def prepare(self, key: str) -> bool:
        """Say whether there is a credential for a key: without one no call is made."""

    async def attempt(self, key: str, endpoint: int, within_ms: int, each_ms: int) -> Fetched:
        """List a key's offers at one endpoint of its provider; raises `AttemptFailed`.

        `within_ms` bounds all of it, `each_ms` each of its requests.
        """

    async def refresh(self, key: str) -> bool:
        """Read anew with what a key's provider is asked; say whether it may help to ask again."""

    async def probe(self, provider: str, endpoint: int, within_ms: int) -> bool:
        """Ask an endpoint for what is not its list; say whether it answered as it should."""
