"""What the shared tier keeps of one key, and the rules by which it gives leases and takes entries.

The same rules that `cache.lua` follows on a Redis; here without one. Times are of the one clock that all go by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reference_gateway.core.cache.entry import Entry, Held
from reference_gateway.core.cache.ports import Lease, Told


@dataclass(frozen=True, slots=True)
class SharedKey:
    """The newest entry of a key, and who may fetch the next one."""

    epoch: int = 0
    """The newest number given to a lease or an invalidation."""
    floor: int = 0
    """The newest epoch that was invalidated."""
    lease: Lease | None = None
    until_ms: int = 0
    began_ms: int = 0
    entry: Entry | None = None

    def ask(self, asked: Ask, now_ms: int) -> tuple[SharedKey, Told]:
        """Tell a fresh entry, or give the lease where it is free."""
        told = self._told(asked, now_ms)
        if told.fresh:
            return self, told
        if self.lease is not None and now_ms < self.until_ms:
            return self, replace(told, busy_ms=self.until_ms - now_ms)
        epoch = max(self.epoch + 1, now_ms)
        lease = Lease(asked.key, asked.token, epoch)
        leased = replace(self, epoch=epoch, lease=lease, until_ms=now_ms + asked.lease_ms, began_ms=now_ms)
        return leased, replace(told, lease=lease)

    def _told(self, asked: Ask, now_ms: int) -> Told:
        entry = self.entry
        if entry is None or now_ms >= entry.taken_ms + asked.use_ms:
            return Told()
        fresh = entry.epoch > max(self.floor, asked.newer_than) and now_ms < entry.taken_ms + asked.ttl_ms
        held = Held(entry, entry.epoch <= self.floor) if fresh or entry.epoch != asked.have else None
        return Told(held, fresh)

    def is_held_by(self, lease: Lease, now_ms: int) -> bool:
        """Whether the lease is still its holder's."""
        return self.lease is not None and self.lease.token == lease.token and now_ms < self.until_ms

    def write(self, lease: Lease, entry: Entry, now_ms: int) -> SharedKey:
        """Take the entry of whoever holds the lease, and with it the lease; late and older ones change nothing."""
        if not self.is_held_by(lease, now_ms):
            return self
        if self.entry is None or lease.epoch > self.entry.epoch:
            return replace(self, entry=replace(entry, taken_ms=self.began_ms), lease=None)
        return replace(self, lease=None)

    def renew(self, lease: Lease, lease_ms: int, now_ms: int) -> SharedKey:
        """Let the lease last its whole time again."""
        return replace(self, until_ms=now_ms + lease_ms) if self.is_held_by(lease, now_ms) else self

    def release(self, lease: Lease, now_ms: int) -> SharedKey:
        """Take the lease back."""
        return replace(self, lease=None) if self.is_held_by(lease, now_ms) else self

    def invalidate(self, now_ms: int) -> SharedKey:
        """Mark all that was fetched under a lease up to now; the next lease's epoch lies above."""
        floor = max(self.epoch, now_ms)
        return replace(self, epoch=floor, floor=floor)


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything that an instance says when it asks for a key."""

    key: str
    token: str
    newer_than: int
    have: int
    ttl_ms: int
    use_ms: int
    lease_ms: int
