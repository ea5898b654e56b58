"""Places for calls to one provider: so many in flight in this instance, and so many that wait for one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_gateway.core.cache.ports import Gate, Runtime


class NoPlace(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """No place was free in time, or (`full`) not even one to wait in."""

    def __init__(self, *, full: bool) -> None:
        super().__init__("queue-full" if full else "no-place")
        self.full = full


class Places:
    """Taken one by one; one that is given back goes to whoever waits longest, and to nobody who comes later."""

    def __init__(self, runtime: Runtime, concurrency: int, queue: int) -> None:
        self._runtime = runtime
        self._concurrency = concurrency
        self._queue = queue
        self._waiting: deque[Gate] = deque()
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    @property
    def has_free(self) -> bool:
        """Whether the next who comes need not wait."""
        return self.in_flight < self._concurrency

    async def take(self, until_ms: int) -> None:
        """Take a place, which must be given back; waits for one until then. Raises `NoPlace`, and has none then."""
        if self.has_free:
            self.in_flight += 1
            return
        if len(self._waiting) >= self._queue:
            raise NoPlace(full=True)
        await self._wait(until_ms)

    def give_back(self) -> None:
        """Hand the place on."""
        if self._waiting:
            self._waiting.popleft().open()
        else:
            self.in_flight -= 1

    async def _wait(self, until_ms: int) -> None:
        """Whoever stops waiting, for whatever reason, hands on what he was given in that moment."""
        gate = self._runtime.gate()
        self._waiting.append(gate)
        try:
            given = await gate.passed(max(0, until_ms - self._runtime.now_ms()))
        except BaseException:
            self._leave(gate)
            raise
        if not given:
            self._leave(gate)
            raise NoPlace(full=False)

    def _leave(self, gate: Gate) -> None:
        if gate in self._waiting:
            self._waiting.remove(gate)
        else:
            self.give_back()
