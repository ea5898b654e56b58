"""L2, then L1, then the provider: each miss fills the tiers above it, and nobody waits who need not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reference_gateway.core.cache.entry import HOUSE, Entry, Held, Lifetimes, is_due, key_of, move, split_key
from reference_gateway.core.cache.ports import CallFailed, Code
from reference_gateway.core.cache.refreshes import NOT_POLLED, PATIENCE_MS, Outside, Refreshes
from reference_gateway.core.cache.shown import Shown
from reference_gateway.core.cache.status import Forward, Step
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.upstream.terms import SWEEP_MAX_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reference_gateway.core.cache.flight import Flight
    from reference_gateway.core.cache.l2 import L2InMemoryCache

STANDS_IN = "its list has expired, and a newer one is on its way"
OUTDATED = "its list was invalidated, and a newer one is on its way"
WHY: Mapping[Code, str] = {
    "timeout": "it did not answer in time",
    "unavailable": "its list could not be read",
    "breaker-open": "it is left alone for a while, for too many calls to it failed",
    "overloaded": "it can take no more calls for the moment",
    "no-credential": "there is no credential for it that may be used now",
}
LAST_KNOWN = "this is its last known list"
NOT_KNOWN = "no earlier list is known"
POLL_LOOKS = 3
"""How often a poll looks until it or somebody else has called: each time another flight's end is waited for."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A read of one provider that must wait for a flight, which it began or joined."""

    flight: Flight
    began: bool
    lifetimes: Lifetimes
    forward: Forward
    """Whether L2 held nothing, or what was too old to be shown at once."""


class MultiTierCache:
    """One instance's way to every key."""

    refreshes_kind: type[Refreshes] = Refreshes

    def __init__(self, l2: L2InMemoryCache, outside: Outside, lifetimes: Lifetimes, lease_ms: int) -> None:
        self.l2 = l2
        self._l1, self._provider, self._runtime, self._observer = outside
        self.lifetimes = lifetimes
        self.refreshes = self.refreshes_kind(outside, lease_ms, keep=self._keep, epoch_of=self._epoch_of)
        self._listeners: list[Callable[[str], None]] = []
        self._renewing: set[str] = set()

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each key whose entry is replaced or marked."""
        self._listeners.append(listener)

    def begin(self, provider: str, *, owner: str = HOUSE, ttl_ms: int | None = None) -> Shown | Pending:
        """Show what need not be waited for, or begin the wait for the rest; never waits itself.

        `owner` is whose credential reads; `ttl_ms` is for what is derived from the lists and lives longer than they do.
        """
        key, now_ms = key_of(provider, owner), self._runtime.now_ms()
        lifetimes = self.lifetimes if ttl_ms is None else self.lifetimes.with_ttl(ttl_ms)
        held = self.l2.get(key, now_ms)
        if held is None:
            self._observer.lookup("l2", "miss")
            flight, began = self.refreshes.join(key, "missing")
            return Pending(flight, began, lifetimes, "miss")
        standing = lifetimes.standing(held, now_ms)
        if standing == "fresh":
            self._observer.lookup("l2", "hit")
            self.refresh_early({key: held.entry}, lifetimes)
            return self._from_l2(key, held, lifetimes)
        self._observer.lookup("l2", "stale")
        flight, began = self.refreshes.join(key, "invalidated" if held.outdated else "expired")
        # Also who is shown an old entry at once waits for L1's word: another instance may have filled it already.
        return Pending(flight, began, lifetimes, "stale")

    async def wait(self, pending: Pending, until_ms: int) -> Shown:
        """Wait for the flight, but no longer than there is something to show, nor than `until_ms`."""
        flight = pending.flight
        if await flight.told.passed(self._left_ms(until_ms)):
            if not flight.has_landed and (shown := self._meanwhile(pending)) is not None:
                return shown
            if self._provider.polled_only(flight.key):
                return self._last_known(pending)
            await flight.landed.passed(self._left_ms(until_ms))
        return self._fetched(pending) if flight.entry is not None else self._last_known(pending)

    def refresh_early(self, entries: Mapping[str, Entry], lifetimes: Lifetimes) -> None:
        """Let one reader's draw decide which of the entries that it is shown are refreshed in the background."""
        now_ms, rand = self._runtime.now_ms(), self._runtime.dice()
        for key, entry in entries.items():
            if is_due(entry, lifetimes, now_ms, rand) and not self._provider.polled_only(key):
                self.refreshes.join(key, "early", newer_than=entry.epoch)

    async def poll(self, provider: str) -> None:
        """Have the house's list fetched though it may be fresh, by whoever may; return when somebody called."""
        key, begun_ms = key_of(provider), self._runtime.now_ms()
        for _ in range(POLL_LOOKS):
            flight, _ = self.refreshes.join(key, "polled", newer_than=self._epoch_of(key), polled=True)
            await flight.landed.passed(SWEEP_MAX_MS)
            if flight.leads or (flight.entry is not None and flight.entry.taken_ms >= begun_ms):
                return

    def newest(self, key: str) -> Entry | None:
        """Return the entry that L2 holds, unless it is outdated."""
        held = self.l2.get(key, self._runtime.now_ms())
        return None if held is None or held.outdated else held.entry

    async def invalidate(self, provider: str, *, owner: str = HOUSE) -> bool:
        """Mark what one owner's key holds as outdated, and refresh it beside; False where only this instance knows."""
        key = key_of(provider, owner)
        self.mark(key, None)
        try:
            self.mark(key, await self._l1.invalidate(key))
            shared = True
        except StoreAway:
            shared = False
        if key not in self._renewing:
            self._renewing.add(key)
            self._runtime.start(self._renew(key))
        return shared

    async def revalidate(self) -> None:
        """Learn which keys were invalidated while nobody could tell us; raises `StoreAway`."""
        for key, floor in (await self._l1.floors(self.l2.keys)).items():
            if self.mark(key, floor):
                self.refreshes.join(key, "invalidated")

    def mark(self, key: str, floor: int | None) -> bool:
        """Take note that what was fetched up to epoch `floor` (None: up to now) is outdated; say whether we held it."""
        self.refreshes.mark(key, floor)
        marked = self.l2.mark(key, floor)
        if marked:
            self._changed(key)
        return marked

    def filled(self, key: str) -> None:
        """Take note that the key has a new entry in L1; what is outdated here is replaced by it at once."""
        self.refreshes.news(key)
        held = self.l2.get(key, self._runtime.now_ms())
        if held is not None and held.outdated:
            self.refreshes.join(key, "invalidated")

    async def _renew(self, key: str) -> None:
        """A call that was under way when the key was invalidated brings nothing new: another follows it."""
        try:
            if (flight := self.refreshes.current(key)) is not None:
                await flight.landed.passed(PATIENCE_MS)
        finally:
            self._renewing.discard(key)
        held = self.l2.get(key, self._runtime.now_ms())
        if held is None or held.outdated:
            self.refreshes.join(key, "invalidated")

    def _meanwhile(self, pending: Pending) -> Shown | None:
        """Show what L1 had, or what there is for all but the one for whom it is fetched."""
        held = self._held(pending)
        if held is None:
            return None
        standing = pending.lifetimes.standing(held, self._runtime.now_ms())
        if move(standing, leads=pending.began and pending.flight.leads) == "wait":
            return None
        return self._shown_of(pending, held)

    def _held(self, pending: Pending) -> Held | None:
        now_ms = self._runtime.now_ms()
        held = self.l2.get(pending.flight.key, now_ms)
        return held if held is not None and pending.lifetimes.is_known(held.entry, now_ms) else None

    def _from_l2(self, key: str, held: Held, lifetimes: Lifetimes) -> Shown:
        left_ms = lifetimes.left_ms(held, self._runtime.now_ms())
        return _shown(key, held, left_ms, (Step("l2", ttl_ms=left_ms),))

    def _shown_of(self, pending: Pending, held: Held) -> Shown:
        """Show what the tiers hold while the flight goes on, or after it failed."""
        if pending.forward == "stale":
            return self._from_l2(pending.flight.key, held, pending.lifetimes)
        left_ms = pending.lifetimes.left_ms(held, self._runtime.now_ms())
        steps = (Step("l1", ttl_ms=left_ms), Step("l2", stored=left_ms > 0))
        return _shown(pending.flight.key, held, left_ms, steps)

    def _fetched(self, pending: Pending) -> Shown:
        """Show what the flight brought: L1 called it fresh meanwhile, or the call has only just ended."""
        flight, entry = pending.flight, pending.flight.entry
        if entry is None:
            raise AssertionError("the flight brought an entry")
        called = flight.tier == "provider"
        held = Held(entry, called and flight.outdated)
        left_ms = pending.lifetimes.left_ms(held, self._runtime.now_ms())
        above = Step("l2", forward=pending.forward, stored=left_ms > 0)
        below = _asked_l1(flight, stored=left_ms > 0) if called else (Step("l1", ttl_ms=max(0, left_ms)),)
        shown = _shown(flight.key, held, left_ms, (*below, above))
        return shown if held.outdated else replace(shown, state="fresh", code=None, detail="")

    def _last_known(self, pending: Pending) -> Shown:
        """Show what is known although nothing newer came, or say that nothing is."""
        flight, code = pending.flight, self._failure(pending.flight).code
        timed_out = code == "timeout"
        held = self._held(pending)
        if held is not None:
            shown, detail = self._shown_of(pending, held), f"{WHY[code]}; {LAST_KNOWN}"
            return replace(shown, state="stale", code="stale", detail=detail, timed_out=timed_out)
        steps = (*_asked_l1(flight, stored=False), Step("l2", forward=pending.forward))
        owner, provider = split_key(flight.key)
        detail = f"{WHY[code]}, and {NOT_KNOWN}"
        return Shown(provider, None, "missing", steps, code=code, detail=detail, timed_out=timed_out, owner=owner)

    def _failure(self, flight: Flight) -> CallFailed:
        """Say why there is nothing newer: the call failed or never began, or it goes on."""
        if flight.failure is not None:
            return flight.failure
        polled = self._provider.polled_only(flight.key)
        return CallFailed(NOT_POLLED) if polled else CallFailed("late", "timeout")

    def _keep(self, key: str, held: Held) -> None:
        if self.l2.put(key, held):
            self._changed(key)

    def _changed(self, key: str) -> None:
        for listener in self._listeners:
            listener(key)

    def _epoch_of(self, key: str) -> int:
        held = self.l2.get(key, self._runtime.now_ms())
        return 0 if held is None else held.entry.epoch

    def _left_ms(self, until_ms: int) -> int:
        return max(0, until_ms - self._runtime.now_ms())


def _shown(key: str, held: Held, left_ms: int, steps: Iterable[Step]) -> Shown:
    owner, provider = split_key(key)
    if left_ms > 0:
        return Shown(provider, held.entry, "fresh", tuple(steps), left_ms, owner=owner)
    detail = OUTDATED if held.outdated else STANDS_IN
    return Shown(provider, held.entry, "stale", tuple(steps), left_ms, "stale", detail, owner=owner)


def _asked_l1(flight: Flight, *, stored: bool) -> tuple[Step, ...]:
    """L1's part, unless it was away."""
    return () if flight.asked_ms is None else (Step("l1", forward=flight.l1_forward, stored=stored),)
