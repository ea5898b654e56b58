"""The only module of the gateway that reads a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache


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
    second, ns = divmod(time.time_ns(), 1_000_000_000)
    return f"{_to_the_second(second)}.{ns // 1_000_000:03d}Z"


@lru_cache(maxsize=2)
def _to_the_second(second: int) -> str:
    """Format the calendar once a second: each request's log line wants it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
