"""Which server of a Redis Cluster decides on which key, as one of them told us."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.crc import key_slot

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = ""
"""Who decides on a slot that nobody told us about."""


@dataclass(frozen=True)
class Topology:
    """The ranges of slots, in order: each begins at `first`, ends with `last`, and belongs to `server` (host:port)."""

    firsts: tuple[int, ...] = ()
    lasts: tuple[int, ...] = ()
    servers: tuple[str, ...] = ()

    def server(self, key: str) -> str:
        """Name the primary of the key's slot, or `UNKNOWN`."""
        slot: int = key_slot(key.encode("utf-8", "surrogatepass"))
        index = bisect_left(self.lasts, slot)
        return self.servers[index] if index < len(self.lasts) and self.firsts[index] <= slot else UNKNOWN

    def concerned(self, other: Topology) -> frozenset[str]:
        """Name every server that has a range in one of the two and not in the other."""
        return frozenset(server for _, _, server in self._ranges ^ other._ranges)

    @property
    def _ranges(self) -> frozenset[tuple[int, int, str]]:
        return frozenset(zip(self.firsts, self.lasts, self.servers, strict=True))


def topology(slots: Sequence[Any], told_by: str) -> Topology:
    """Read the answer to CLUSTER SLOTS; a server that does not know its own address has the one we asked at."""
    ranges = sorted((int(first), int(last), _name(primary, told_by)) for first, last, primary, *_ in slots)
    return Topology(tuple(r[0] for r in ranges), tuple(r[1] for r in ranges), tuple(r[2] for r in ranges))


def _name(primary: Sequence[Any], told_by: str) -> str:
    host, port = primary[0] or b"", primary[1]
    return f"{host.decode() or told_by.rpartition(':')[0]}:{port}"
