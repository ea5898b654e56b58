"""Work that would hold the event loop up: beside it where it is large, and once for all who need it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

OFFERS_MAX: Final = 2000
"""Offers that are gone through on the event loop itself, in some 10 ms.

A pause as long as Redis' budget would make the limiter believe that it is Redis who does not answer.
"""

Value = TypeVar("Value")


async def aside(offers: int, work: Callable[[], Value]) -> Value:
    """Do `work`, which goes through so many offers; in a thread of its own where they are many."""
    return work() if offers <= OFFERS_MAX else await asyncio.to_thread(work)


class Joined(Generic[Value]):
    """One run at a time for each key: whoever comes meanwhile waits for it, and nobody ends it for the others."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Value]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Start `work`, or join the run that is under way."""
        running = self._running.get(key)
        if running is None:
            running = asyncio.get_running_loop().create_task(work())
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(running)
