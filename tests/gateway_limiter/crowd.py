"""What the limiter's tests do over and over: ask many times, see what the server saw, wait until something holds."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from redis import Redis

from reference_gateway.core.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.core.limiter import Policy, WindowStore
    from reference_gateway.core.window import Decision

POLL_S = 0.01
PATIENT_US = 5_000_000
"""A budget that a busy machine never exceeds, where the test is not about the budget."""

Value = TypeVar("Value")

_numbers = count(1)


class Opens(Protocol):
    """Opens an instance's limiter, which the test's end closes."""

    def __call__(
        self, url: str, *, budget_us: int = PATIENT_US, wrap: Callable[[WindowStore], WindowStore] | None = None
    ) -> SlidingWindowRateLimiter: ...


def now_us() -> int:
    return time.monotonic_ns() // 1000  # noqa: TID251 - the instances' own clock


def somebody() -> Identity:
    """An identity that no other test uses."""
    return Identity("user", f"somebody-{next(_numbers)}", "pro")


async def ask(limiter: SlidingWindowRateLimiter, who: Identity, policy: Policy, times: int) -> list[Decision]:
    """Ask so often within one tick."""
    return await asyncio.gather(*(limiter.admit(who, policy) for _ in range(times)))


def admissions(decisions: list[Decision]) -> int:
    return sum(decision.admitted for decision in decisions)


def at_once(work: Coroutine[Any, Any, Value]) -> Value:
    """Run what must not wait for anything; fails if it gives the event loop a turn."""
    try:
        work.send(None)
    except StopIteration as done:
        value: Value = done.value
        return value
    work.close()
    raise AssertionError("it waited")


def script_calls(url: str) -> int:
    """How often the server ran a script, as it counts itself."""
    with Redis.from_url(url) as client:
        stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


async def until(reached: Callable[[], bool], *, at_most_s: float) -> None:
    """Wait until it holds; fails when it takes longer."""
    deadline = time.monotonic() + at_most_s  # noqa: TID251 - a bound on waiting
    while not reached():
        assert time.monotonic() < deadline, f"not within {at_most_s} s"  # noqa: TID251 - as above
        await asyncio.sleep(POLL_S)


def stand_still(duration_s: float) -> None:
    """Hold up the event loop, as a collection of garbage or a busy machine does."""
    threading.Event().wait(duration_s)
