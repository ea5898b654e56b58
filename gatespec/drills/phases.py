"""Which part of a drill a moment lies in, read from what was done to the stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.history import Example
    from gatespec.read_ports import Disturbance

WELL = frozenset({"well", "running"})
OVER = WELL | {"promoted"}
"""What ends a spell of the fault: a shard is served again when it has an heir, long before the killed node is back."""
WATCHED = frozenset({"store", "shard", "database", "vault", "rotation", "life", "provider"})


@dataclass(frozen=True)
class Window:
    """One spell of the fault: from when it began to be made until its end was made."""

    what: str
    """One of `WATCHED`."""
    how: str
    whom: str
    from_ms: int
    """When the judge began to make it."""
    sure_ms: int
    """From here on it surely was in force, until `healing_ms`."""
    healing_ms: int
    healed_ms: int
    """From here on it surely was over."""
    bit: int | None = None
    """How often it showed itself to whoever counts; None where nobody does."""


def windows_of(example: Example) -> list[Window]:
    """Every spell of the fault that has both ends, in order."""
    begun: dict[tuple[str, str], Disturbance] = {}
    found = []
    for done in (d for d in example.disturbances if d.what in WATCHED):
        key = done.what, done.whom
        before = begun.pop(key, None)
        if before is not None:
            found.append(
                Window(
                    key[0], before.how, key[1], before.began_ms, before.done_ms, done.began_ms, done.done_ms, done.bit
                )
            )
        if done.how not in OVER:
            begun[key] = done
    return sorted(found, key=lambda window: window.from_ms)


def is_healed(example: Example) -> bool:
    """Whether every fault that began was taken back."""
    last = {(d.what, d.whom): d.how for d in example.disturbances if d.what in WATCHED}
    return all(how in WELL for how in last.values())


def touches(windows: Sequence[Window], from_ms: int, to_ms: int, after_ms: int = 0) -> bool:
    """Whether the fault was, or may have been, in force between these; or had ended less than `after_ms` before."""
    return any(w.from_ms <= to_ms and from_ms <= w.healed_ms + after_ms for w in windows)


def healed_ms(windows: Sequence[Window]) -> int:
    """When the last of it was over."""
    return max(window.healed_ms for window in windows)
