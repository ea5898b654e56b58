"""What is known of one key (one provider's offers, read with one credential), and what that is worth now.

Times are milliseconds of a monotonic clock of this process. Another instance's entry is put on it when it is read, so
the clocks of instances never matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from reference_gateway.core.offer import Offer

HOUSE = "house"
"""Whose credential read a key: the gateway's own, shared by all readers."""

Standing = Literal["fresh", "outdated", "expired", "old"]
"""May be shown as it is; was invalidated; expired less than one TTL ago; longer ago, but within the fallback."""
Move = Literal["serve", "stand-in", "wait"]
"""Show it as fresh; show it at once, marked stale; wait for a newer one."""


def key_of(provider: str, owner: str = HOUSE) -> str:
    """Name a key: `house/lambda`, or of one user's own credential `user:ann/lambda`."""
    return f"{owner}/{provider}"


def split_key(key: str) -> tuple[str, str]:
    """Return whose credential reads a key, and its provider."""
    owner, _, provider = key.rpartition("/")
    return owner, provider


def is_houses(key: str) -> bool:
    """Whether the house's credential reads it: for all who have none of their own, for polls, and for observations."""
    return key.startswith(f"{HOUSE}/")


@dataclass(frozen=True, slots=True)
class Entry:
    """One completed call's list."""

    offers: tuple[Offer, ...]
    size: int
    """Bytes that it takes in L1; what L2 counts, too."""
    as_of_ms: int
    """When the answer was there, by the wall clock."""
    taken_ms: int
    """When its call began, or earlier: no price in it is older. Lifetimes count from here."""
    took_ms: int
    """How long the call took."""
    epoch: int
    """Of the lease under which it was fetched; without the store, the newest that this instance had heard of."""


@dataclass(frozen=True, slots=True)
class Held:
    """An entry as a tier holds it."""

    entry: Entry
    outdated: bool = False
    """Whether the key was invalidated after the entry's call began."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long an entry counts: as fresh, and as the last that was known."""

    ttl_ms: int
    stale_ms: int
    beta: float = 1.0
    """XFetch's; 0 is off, more than 1 refreshes earlier."""

    @property
    def keep_ms(self) -> int:
        """How long after it was taken an entry is of any use."""
        return max(self.ttl_ms, self.stale_ms)

    def with_ttl(self, ttl_ms: int) -> Lifetimes:
        """Return those of what is derived from the lists."""
        return replace(self, ttl_ms=ttl_ms)

    def fresh_until_ms(self, entry: Entry) -> int:
        """The first moment at which the entry has expired."""
        return entry.taken_ms + self.ttl_ms

    def left_ms(self, held: Held, now_ms: int) -> int:
        """How much longer it is fresh; of what has expired, or was invalidated, 0 or less."""
        left_ms = self.fresh_until_ms(held.entry) - now_ms
        return min(0, left_ms) if held.outdated else left_ms

    def is_known(self, entry: Entry, now_ms: int) -> bool:
        """Whether it may be shown at all, if only for want of a newer one."""
        return now_ms < entry.taken_ms + self.keep_ms

    def standing(self, held: Held, now_ms: int) -> Standing:
        """Say what an entry that is still known is worth."""
        left_ms = self.fresh_until_ms(held.entry) - now_ms
        if left_ms + self.ttl_ms <= 0:
            return "old"
        if held.outdated:
            return "outdated"
        return "fresh" if left_ms > 0 else "expired"


def move(standing: Standing, *, leads: bool) -> Move:
    """Decide for one reader; `leads` is the one for whom the newer entry is fetched."""
    if standing == "fresh":
        return "serve"
    if standing == "outdated" or (standing == "expired" and not leads):
        return "stand-in"
    return "wait"


LEAST_DRAW = 2.0**-53
"""What a draw of exactly 0 counts as, which has no logarithm: the least that 53 bits draw beside it."""
DRAW_MAX = -log(LEAST_DRAW)


def is_due(entry: Entry, lifetimes: Lifetimes, now_ms: int, rand: float) -> bool:
    """Whether this reader refreshes early. Source: XFetch, Vattani, Chierichetti and Lowenstein, VLDB 2015.

    `rand` is drawn from [0, 1) anew for each read: the nearer the expiry and the longer the last call took, the surer.
    """
    ahead_ms = entry.took_ms * lifetimes.beta
    if ahead_ms <= 0:
        return False
    return now_ms - ahead_ms * log(max(rand, LEAST_DRAW)) >= lifetimes.fresh_until_ms(entry)


def earliest_ms(entry: Entry, lifetimes: Lifetimes) -> int:
    """The moment before which no draw refreshes early: up to it a reader need not draw."""
    return lifetimes.fresh_until_ms(entry) - ceil(entry.took_ms * lifetimes.beta * DRAW_MAX)
