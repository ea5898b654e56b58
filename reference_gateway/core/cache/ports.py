"""What the tiers need from outside: a shared store, a provider to ask, a clock, dice, and work that runs beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from reference_gateway.core.cache.entry import Entry, Held
    from reference_gateway.core.offer import Offer


Code = Literal["timeout", "unavailable", "breaker-open", "overloaded", "no-credential"]
"""Why a provider of which nothing is known is left out of an answer, as a warning says it."""


class CallFailed(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """A call that brought no list, or never began; its `code` is `timeout` where it timed out: 504 in place of 503."""

    def __init__(self, kind: str, code: Code = "unavailable") -> None:
        """`kind` is for logs, `code` for readers."""
        super().__init__(kind)
        self.kind = kind
        self.code = code

    @property
    def timed_out(self) -> bool:
        """Whether there was a call, and no answer in time."""
        return self.code == "timeout"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a call brought."""

    offers: tuple[Offer, ...]
    stored: bytes
    """The same as L1 stores it."""
    as_of_ms: int
    """When it was there, by the wall clock."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to call a key's provider, until it expires or is given back."""

    key: str
    token: str
    epoch: int
    """Rises with every lease of the key, over all instances."""


@dataclass(frozen=True, slots=True)
class Told:
    """What L1 said of a key: an entry that is fresh, or whose turn it is to fetch one."""

    held: Held | None = None
    """Its entry, if it is newer than the one that the asker has, or fresh."""
    fresh: bool = False
    lease: Lease | None = None
    """Ours now, where nobody else had it."""
    busy_ms: int = 0
    """How long another's lease lasts if nobody renews it."""

    @property
    def newest(self) -> int:
        """The newest epoch that this tells of, 0 where it tells of none."""
        return max(self.lease.epoch if self.lease else 0, self.held.entry.epoch if self.held else 0)


class L1Store(Protocol):
    """The tier that all instances share; every method raises `StoreAway` where it does not answer in time.

    Whatever it says is atomic, and goes by its own clock.
    """

    async def ask(self, key: str, *, newer_than: int, have: int) -> Told:
        """Take a fresh entry of an epoch above `newer_than`; else the lease, where it is free.

        `have` is the epoch of the asker's own entry, which need not be told again. An entry's `taken_ms` is put on
        the asker's clock, and never too late.
        """

    async def write(self, lease: Lease, entry: Entry, stored: bytes) -> bool:
        """Store an entry and give the lease back; False, and nothing done, where the lease is no longer ours."""

    async def renew(self, lease: Lease) -> bool:
        """Hold the lease for its whole time again; False where it is no longer ours."""

    async def release(self, lease: Lease) -> None:
        """Give the lease back, if it is still ours."""

    async def invalidate(self, key: str) -> int:
        """Mark what was fetched up to now as outdated, and tell all instances; return the newest epoch so marked."""

    async def floors(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Return the newest epoch marked as outdated of each key that has one."""


class Provider(Protocol):
    """Whoever is asked where no tier knows."""

    async def fetch(self, key: str, *, polled: bool = False) -> Fetched:
        """Make one call, bounded in time; raises `CallFailed`."""

    def polled_only(self, key: str) -> bool:
        """Whether no read may call, for it takes too long: polls alone do."""


class Gate(Protocol):
    """Closed until somebody opens it, once."""

    def open(self) -> None:
        """Let everybody through who waits, or ever comes."""

    async def passed(self, at_most_ms: int) -> bool:
        """Wait until it is open; say whether it was within `at_most_ms`."""


class Runtime(Protocol):
    """Time, chance and work that runs beside."""

    def now_ms(self) -> int:
        """Milliseconds of a clock that never turns back."""

    def dice(self) -> float:
        """Draw from [0, 1)."""

    def gate(self) -> Gate:
        """Make a closed gate."""

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Let work run on whoever waits for it or not, until it ends or this instance does."""


class Observer(Protocol):
    """Who counts what happens."""

    def lookup(self, tier: str, outcome: str) -> None:
        """One look into a tier: `hit`, `miss` or `stale`."""

    def lease(self, outcome: str) -> None:
        """One flight's place: `led`, `followed`, `refused` or `alone` (without the store)."""

    def refresh(self, reason: str) -> None:
        """One flight begun: `missing`, `expired`, `early`, `invalidated` or `polled`."""
