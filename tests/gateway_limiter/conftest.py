"""Limiters as instances of a gateway hold them, each over connections of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from reference_gateway.adapters.redis import SlidingWindowRateLimiter, connect
from tests.gateway_limiter.crowd import PATIENT_US, now_us

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reference_gateway.core.limiter import WindowStore
    from tests.gateway_limiter.crowd import Opens


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
