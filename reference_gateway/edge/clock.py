"""The only module of the gateway that reads a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def monotonic_ns() -> int:
    """Nanoseconds of a clock that never turns back: for durations and expiries within this process."""
    return time.monotonic_ns()


def monotonic_us() -> int:
    """Microseconds of the same clock: for the limiter's own windows."""
    return time.monotonic_ns() // 1000


def epoch_s() -> float:
    """Seconds since 1970: for what another machine stamped, such as a token's expiry."""
    return time.time()


def epoch_ms() -> int:
    """Milliseconds since 1970: for what leaves this machine."""
    return time.time_ns() // 1_000_000


def timestamp() -> str:
    """Now in UTC, RFC 3339, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
