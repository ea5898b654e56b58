"""Limiters as instances of a gateway hold them, each over connections of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
import uvloop

from reference_gateway.adapters.redis import Healths, SlidingWindowRateLimiter, connect
from tests.gateway_limiter.crowd import PATIENT_US, now_us

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Callable, Mapping

    from reference_gateway.core.limiter import WindowStore
    from tests.gateway_limiter.crowd import Opens


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """On the event loop that the gateway runs on: the budget counts its turns."""
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Opens]:
    limiters: list[SlidingWindowRateLimiter] = []

    def opens(
        url: str, *, budget_us: int = PATIENT_US, wrap: Callable[[WindowStore], WindowStore] | None = None
    ) -> SlidingWindowRateLimiter:
        healths = Healths(budget_us, now_us)
        store: WindowStore = connect(url, budget_us=budget_us, now_us=now_us, moved=healths.moved)
        store = wrap(store) if wrap else store
        limiters.append(SlidingWindowRateLimiter(store, healths))
        return limiters[-1]

    yield opens
    for limiter in limiters:
        await limiter.close()
