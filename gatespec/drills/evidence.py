"""What the record shows of the drill itself; without all of it nothing is concluded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.answers import reads_of
from gatespec.checkers.periods import explained
from gatespec.checkers.turns import turns_of
from gatespec.checkers.windows import TOO_MANY_REQUESTS
from gatespec.drills.claim import reads_in
from gatespec.drills.phases import healed_ms, windows_of
from gatespec.drills.room_claims import memory_watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.answers import Read
    from gatespec.drills.claim import Mark
    from gatespec.drills.phases import Window
    from gatespec.history import Example


def evidence_of(example: Example, heals_ms: int, saw: Sequence[Mark] = ()) -> dict[str, int]:
    """How often each mark was seen: all was well before, the fault was made and bit, and it was watched long enough.

    `saw` are the marks of this drill alone.
    """
    windows, reads = windows_of(example), list(reads_of(example))
    first = min((w.from_ms for w in windows), default=0)
    return {
        "steady-before": sum(_all_fresh(read) for read in reads if read.heard_ms < first),
        "fault-made": len(windows),
        "fault-bit": sum(_bit(window) for window in windows),
        "read-meanwhile": sum(w.sure_ms < read.sent_ms < w.healing_ms for w in windows for read in reads),
        "limited": sum(e.status == TOO_MANY_REQUESTS for _, e in reads_in(example)),
        "watched-after": sum(read.sent_ms > healed_ms(windows) + heals_ms for read in reads) if windows else 0,
        "memory-watched": memory_watched(example),
        **{mark.__name__.replace("_", "-"): mark(example) for mark in saw},
    }


def breaker_half_opened(example: Example) -> int:
    """How often a breaker surely was half-open as a call was let through."""
    return sum(turns_of(breaker)["half-opened"] for breaker in explained(example))


def _bit(window: Window) -> bool:
    """What the fault itself counted; where nobody counts, the driver looked from outside as it made it."""
    return window.bit is None or window.bit > 0


def _all_fresh(read: Read) -> bool:
    return all(read.of(name).is_fresh for name in read.asked)
