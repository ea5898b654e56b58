"""Work that is done again and again beside the requests, each turn by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from reference_gateway.edge.logs import failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Repeating:
    """Does some work every so often until it is closed; a turn that fails is logged, and the next one comes."""

    def __init__(self, name: str, every_s: float, work: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._every_s = every_s
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin; the first turn is now."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End, in the middle of a turn too."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:  # until close
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - whatever this turn met, the next one comes
                structlog.get_logger().error("background work failed", work=self._name, **failure(error))
            await asyncio.sleep(self._every_s)
