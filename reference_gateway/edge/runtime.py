"""Time, chance and work beside, as the cache's core wants them: on the event loop."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import structlog

from reference_gateway.edge import clock
from reference_gateway.edge.logs import failure

if TYPE_CHECKING:
    from collections.abc import Coroutine

NS_PER_MS = 1_000_000
MS_PER_S = 1000


class EventGate:
    """The port `Gate`."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def open(self) -> None:
        """As the port."""
        self._event.set()

    async def passed(self, at_most_ms: int) -> bool:
        """As the port."""
        if self._event.is_set():
            return True
        try:
            async with asyncio.timeout(at_most_ms / MS_PER_S):
                await self._event.wait()
        except TimeoutError:
            return self._event.is_set()
        return True


class LoopRuntime:
    """The port `Runtime`."""

    def __init__(self) -> None:
        self._work: set[asyncio.Task[None]] = set()
        self._random = random.Random()  # noqa: S311 - which reader refreshes early is no secret
        self.dice = self._random.random

    def now_ms(self) -> int:
        """As the port."""
        return clock.monotonic_ns() // NS_PER_MS

    def gate(self) -> EventGate:
        """As the port."""
        return EventGate()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """As the port."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            structlog.get_logger().error("background work failed", **failure(error))

    async def close(self) -> None:
        """End what still runs."""
        work = tuple(self._work)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
