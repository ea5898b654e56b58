"""What processes weigh: resident memory, and each one's fair share of what several of them share."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True)
class Weight:
    """Of one service with all its processes, in bytes."""

    rss: int
    """Resident: pages that several processes share count once for each."""
    pss: int
    """Proportional: a page shared by n processes counts 1/n for each. 0 where the system does not tell."""


@dataclass(frozen=True)
class Memory:
    """One service, before any load and after all of it."""

    service: str
    processes: int
    idle: Weight
    loaded: Weight


def weigh(pid: int) -> tuple[Weight, int]:
    """Weigh a process and all that descend from it; say how many they are."""
    top = psutil.Process(pid)
    weights = [found for process in (top, *top.children(recursive=True)) if (found := _weight(process)) is not None]
    return Weight(sum(each.rss for each in weights), sum(each.pss for each in weights)), len(weights)


def _weight(process: psutil.Process) -> Weight | None:
    """Weigh one process; None where it has just ended, as PostgreSQL's workers do."""
    with suppress(psutil.NoSuchProcess):
        try:
            full = process.memory_full_info()
            return Weight(full.rss, getattr(full, "pss", 0))
        except psutil.AccessDenied:
            return Weight(process.memory_info().rss, 0)
    return None
