"""One key's refresh in this process: whoever needs it joins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.ports import CallFailed, Gate, Lease, Runtime
    from reference_gateway.core.cache.status import Forward


class Flight:
    """How far a refresh has come. It ends with an entry or a failure, and outlives the reader who began it."""

    def __init__(self, key: str, runtime: Runtime, newer_than: int, *, polled: bool = False) -> None:
        """`newer_than` is the epoch of a fresh entry that is not new enough, 0 where none is."""
        self.key = key
        self.newer_than = newer_than
        self.polled = polled
        """Whether a poll began it, and nobody who reads."""
        self.begun_ms = runtime.now_ms()
        self.told: Gate = runtime.gate()
        """Opens when it is known who fetches: we, or another instance."""
        self.landed: Gate = runtime.gate()
        self.leads = False
        """Whether this instance is the one that calls."""
        self.tier = ""
        """Where the entry came from: `l1` or `provider`."""
        self.asked_ms: int | None = None
        """When L1 was asked last, and answered; None where it never did."""
        self.l1_forward: Forward = "miss"
        self.lease: Lease | None = None
        self.has_landed = False
        self.entry: Entry | None = None
        self.failure: CallFailed | None = None
        self.news: Gate = runtime.gate()
        """Opens when something happened to the key in L1."""
        self._runtime = runtime
        self._floor: int | None = 0
        """What was invalidated meanwhile: epochs up to this one, or all (None)."""

    @property
    def outdated(self) -> bool:
        """Whether the key was invalidated after this call was given its epoch."""
        if self.lease is None:
            return self._floor is None
        return self._floor is None or self.lease.epoch <= self._floor

    def mark(self, floor: int | None) -> None:
        """Take note of an invalidation."""
        if floor is None or self._floor is None:
            self._floor = None
        else:
            self._floor = max(floor, self._floor)

    def turn(self, lease: Lease | None) -> None:
        """Begin the call, under this lease or (None) without the store."""
        self.lease = lease
        self.leads = True
        if self._floor is None:
            self._floor = (
                0  # the call begins after that invalidation, or (told anew, with its floor) the lease knows better
            )
        self.told.open()

    def follow(self) -> None:
        """Leave the call to another instance."""
        self.leads = False
        self.told.open()

    def listen(self) -> Gate:
        """Return a gate that opens with the next news; to be called before looking, so that none is missed."""
        self.news = self._runtime.gate()
        return self.news

    def land(self, entry: Entry | None, failure: CallFailed | None) -> None:
        """End it, for all who wait."""
        self.entry, self.failure, self.has_landed = entry, failure, True
        self.told.open()
        self.landed.open()
