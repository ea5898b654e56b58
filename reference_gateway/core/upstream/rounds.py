"""What is done once in a while by one of all instances, whichever's turn it is; each asks, and the store decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from reference_gateway.core.upstream.terms import SWEEP_MAX_MS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference_gateway.core.cache.ports import Gate, Runtime
    from reference_gateway.core.upstream.ports import UpstreamStore

STANDBY_ASKS = 4
"""How often in its time an instance asks whose turn it is not: so much later another takes over from a lost one."""
AFTER_MS = 1
"""How much later than its time the next turn is asked for: a clock that is read a moment early costs a whole wait."""
LONGEST_MS = 2 * SWEEP_MAX_MS
"""How long one turn is waited for at most; what still goes on then goes on beside."""


@dataclass(frozen=True)
class Round:
    """Something to do."""

    name: str
    every_ms: int
    first_ms: int
    """How long after the beginning it is asked for first."""
    do: Callable[[], Awaitable[None]]
    may: Callable[[], Awaitable[bool]] | None = None
    """Whether it can be done at all now: else no turn is taken."""


def spread_ms(name: str, over_ms: int) -> int:
    """Say when in `over_ms` this begins: each name at a moment of its own, the same on all instances."""
    return crc32(name.encode()) % over_ms if over_ms > 0 else 0


class Rounds:
    """One instance's."""

    def __init__(self, store: UpstreamStore, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime
        self._ended = runtime.gate()

    def begin(self, each: Round) -> None:
        """Do this from now on; never, where its time is 0."""
        if each.every_ms > 0:
            self._runtime.start(self._go(each))

    def end(self) -> None:
        """Take no more turns."""
        self._ended.open()

    async def _go(self, each: Round) -> None:
        wait_ms = each.first_ms
        while not await self._ended.passed(wait_ms):
            wait_ms = await self._once(each)

    async def _once(self, each: Round) -> int:
        """Take a turn if there is one; return how long to wait for the next."""
        begun_ms = self._runtime.now_ms()
        if not await self.is_ours(each):
            return max(1, each.every_ms // STANDBY_ASKS)
        done = self._runtime.gate()
        self._runtime.start(_do(each, done))
        await done.passed(LONGEST_MS)
        return max(1, begun_ms + each.every_ms + AFTER_MS - self._runtime.now_ms())

    async def is_ours(self, each: Round) -> bool:
        """Say whether it is to be done now, and by this instance."""
        if each.may is not None and not await each.may():
            return False
        return await self._store.turn(each.name, each.every_ms)


async def _do(each: Round, done: Gate) -> None:
    """Work of its own: what it raises is told by the runtime, and the next turn comes nevertheless."""
    try:
        await each.do()
    finally:
        done.open()
