"""How long a server may keep a request waiting, and the work that goes on for that long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from reference_gateway.core.limiter import MICROSECONDS, StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

LATE_TURNS = 8
"""Turns of the event loop, once time is up, in which a request is still written and its answer read: five to eight."""

Value = TypeVar("Value")


class Budget:
    """Waits for a server as long as it may take, and no longer."""

    def __init__(self, budget_us: int, now_us: Callable[[], int]) -> None:
        """`now_us` is any monotonic clock of this process."""
        self.budget_us = budget_us
        self.now_us = now_us
        self._tasks: set[asyncio.Task[object]] = set()

    async def spend(self, work: Coroutine[object, object, Value]) -> Value:
        """Wait for `work` as long as a server may keep a request waiting; raises `StoreAway`.

        Not `asyncio.timeout`: on a machine with too much work that one gives up on an answer which lies in the socket
        unread, and two instances that gave up on a healthy Redis admit twice the limit. By as much as we woke too late
        ourselves, and at most for another budget, we wait on; then for the turns in which a socket is read.
        """
        task, deadline_us = self.start(work), self.now_us() + self.budget_us
        await asyncio.wait({task}, timeout=self.budget_us / MICROSECONDS)
        if not task.done():
            late_us = min(self.now_us() - deadline_us, self.budget_us)
            await asyncio.wait({task}, timeout=max(0, late_us) / MICROSECONDS)
        for _ in range(LATE_TURNS):
            if task.done():
                return task.result()
            await asyncio.sleep(0)
        task.cancel()
        task.add_done_callback(_give_up)
        raise StoreAway(f"no answer within {self.budget_us} us")

    def start(self, work: Coroutine[object, object, Value]) -> asyncio.Task[Value]:
        """Let work run that `close` ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End all work."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _give_up(task: asyncio.Task[Value]) -> None:
    """Take note of how given-up work ended, so that asyncio does not warn of an error that nobody looked at."""
    if not task.cancelled():
        task.exception()
