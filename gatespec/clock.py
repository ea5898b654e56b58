"""The only module of the judge that reads a clock, and the only one that waits.

Time is an integer of milliseconds from a monotonic clock.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_MS = 20
"""How often `until` looks: short beside any bound that we wait for, long beside a process switch."""


class Clock(Protocol):
    """Somebody's idea of now."""

    def now_ms(self) -> int:
        """Milliseconds since an epoch that only this clock knows."""


class MonotonicClock:
    """The machine's clock, which never turns back."""

    def now_ms(self) -> int:
        """Milliseconds, rounded down."""
        return time.monotonic_ns() // 1_000_000


class VirtualClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, start_ms: int = 1_000_000) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Milliseconds since the start, which lies past zero so that a subtraction never goes below it."""
        return self._now_ms

    def advance(self, duration_ms: int) -> None:
        """Let `duration_ms` pass; it is never negative."""
        if duration_ms < 0:
            raise ValueError(f"time does not turn back: {duration_ms} ms")
        self._now_ms += duration_ms


def now_ns() -> int:
    """Monotonic nanoseconds, where a millisecond is too coarse: to bound a span outwards."""
    return time.monotonic_ns()


def epoch_s() -> int:
    """Seconds since 1970, for what leaves this machine: token times, file names."""
    return int(time.time())


def timestamp() -> str:
    """Now in UTC, RFC 3339, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def timestamp_of(moment_ms: int) -> str:
    """When the monotonic clock showed `moment_ms`, in UTC, RFC 3339, to the millisecond."""
    ago = timedelta(milliseconds=time.monotonic_ns() // 1_000_000 - moment_ms)
    return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds")


def until(reached: Callable[[], bool], *, at_most_ms: int) -> bool:
    """Wait until `reached()`, at most `at_most_ms`; say whether it was."""
    deadline = time.monotonic_ns() + at_most_ms * 1_000_000
    while not reached():
        if time.monotonic_ns() >= deadline:
            return False
        time.sleep(POLL_MS / 1000)
    return True


async def sleep_until_ns(moment_ns: int) -> None:
    """Wait until the monotonic clock passes `moment_ns`, never less."""
    while (left := moment_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110 - a timer may fire early
        await asyncio.sleep(left / 1e9)
