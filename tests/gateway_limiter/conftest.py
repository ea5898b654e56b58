"""Limiters as instances of a gateway hold them, each over connections of its own."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Protocol

import pytest_asyncio

from reference_gateway.adapters.redis import SlidingWindowRateLimiter, connect
from reference_gateway.core.identity import Identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reference_gateway.core.limiter import WindowStore

PATIENT_US = 5_000_000
"""A budget that a busy machine never exceeds, where the test is not about the budget."""

_numbers = count(1)


def now_us() -> int:
    return time.monotonic_ns() // 1000  # noqa: TID251 - the instances' own clock


def somebody() -> Identity:
    """An identity that no other test uses."""
    return Identity("user", f"somebody-{next(_numbers)}", "pro")


class Opens(Protocol):
    def __call__(
        self, url: str, *, budget_us: int = PATIENT_US, wrap: Callable[[WindowStore], WindowStore] | None = None
    ) -> SlidingWindowRateLimiter: ...


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Opens]:
    limiters: list[SlidingWindowRateLimiter] = []

    def opens(
        url: str, *, budget_us: int = PATIENT_US, wrap: Callable[[WindowStore], WindowStore] | None = None
    ) -> SlidingWindowRateLimiter:
        store: WindowStore = connect(url, budget_us=budget_us, now_us=now_us)
        store = wrap(store) if wrap else store
        limiters.append(SlidingWindowRateLimiter(store, budget_us=budget_us, now_us=now_us))
        return limiters[-1]

    yield opens
    for limiter in limiters:
        await limiter.close()
