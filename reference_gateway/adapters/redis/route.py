"""The way to one server of the shared store: asks travel in batches; while the server is away nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reference_gateway.adapters.redis.script import ASKS_MAX, Late
from reference_gateway.core.limiter import MICROSECONDS, StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from reference_gateway.core.limiter import Ask, LocalWindows, WindowStore
    from reference_gateway.core.window import Decision

BATCH_MAX = ASKS_MAX
"""Asks of one journey."""
IN_FLIGHT_MAX = 4
"""Journeys at once: enough that a tick need not wait for the one before, while asks of a busy server gather."""
PROBE_EVERY_S = 0.1
"""How often a server that is away is tried: beside any outage this is short, and it costs one command."""
WAITING_MAX = 10_000
"""Asks that wait for a journey; beyond it they are decided here, as if the server were away."""
LATE_TURNS = 8
"""Turns of the event loop, once time is up, in which a request is still written and its answer read: five to eight."""

log = logging.getLogger(__name__)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Somebody who asked at `at_us`, perhaps with an admission already kept for him in our own windows."""

    ask: Ask
    decision: asyncio.Future[Decision]
    at_us: int
    reserved: bool


class Route:
    """One server's queue, and whether it is away."""

    def __init__(
        self, server: str, store: WindowStore, local: LocalWindows, *, budget_us: int, now_us: Callable[[], int]
    ) -> None:
        self._server = server
        self._store = store
        self._local = local
        self._budget_us = budget_us
        self._now_us = now_us
        self._waiting: list[_Waiting] = []
        self._in_flight = 0
        self._tasks: set[asyncio.Task[object]] = set()
        self._back_us: int | None = None
        self._flushing = False
        self.away = False

    async def decide(self, ask: Ask) -> Decision:
        """Decide with the others of this tick; by our own windows at once while the server is away."""
        now_us = self._now_us()
        if self.away or len(self._waiting) >= WAITING_MAX:
            return self._local.admit(ask, now_us)
        if reserved := self._just_back(ask, now_us):
            decision = self._local.admit(ask, now_us)
            if not decision.admitted:
                return decision
        loop = asyncio.get_running_loop()
        waiting = _Waiting(ask, loop.create_future(), now_us, reserved)
        self._waiting.append(waiting)
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)
        return await waiting.decision

    def _just_back(self, ask: Ask, now_us: int) -> bool:
        """Whether the server may not know what we admitted without it; it knows all again after one window.

        Until then our own windows must agree as well, and the admission is kept there before the server is asked:
        checked only, all asks of one tick would see the same last free place.
        """
        if self._back_us is not None and now_us >= self._back_us + ask.window_us:
            self._back_us = None
        return self._back_us is not None

    def _flush(self) -> None:
        """Send off what waits. At the bound of journeys it waits on: the next one home comes by here."""
        self._flushing = False
        while self._waiting and self._in_flight < IN_FLIGHT_MAX:
            batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
            self._in_flight += 1
            self._start(self._travel(batch))

    async def _travel(self, batch: list[_Waiting]) -> None:
        """Bring a batch its decisions, the store's or ours.

        The budget begins here: what asks waited before, they waited for our own loop, or behind journeys of which the
        first that is given up answers them.
        """
        asks = [waiting.ask for waiting in batch]
        try:
            self._settle(batch, await self._within_budget(self._store.decide(self._server, asks)))
        except Late as error:
            # The server was stalled but is back: it counted nothing, and we learnt its clock.
            log.info("the limiter's Redis %s: %s", self._server, error)
        except StoreAway as error:
            # What we sent may still be executed: the script counts nothing once its last moment has passed, so only an
            # answer lost on its way back leaves admissions in the store that nobody was told of. They can bar an
            # identity for one window at most, and never let it have more than the limit.
            self._lose(error, asks[0].key)
        finally:
            self._decide_here(batch)
            self._in_flight -= 1
            self._flush()

    def _settle(self, batch: list[_Waiting], decisions: list[Decision]) -> None:
        """Hand out the store's decisions. What it admitted is noted even where the one who asked has gone."""
        now_us = self._now_us()
        for waiting, decision in zip(batch, decisions, strict=True):
            agreed = self._agreed(waiting, decision, now_us)
            if not waiting.decision.done():
                waiting.decision.set_result(agreed)

    def _agreed(self, waiting: _Waiting, decision: Decision, now_us: int) -> Decision:
        """Bring our own windows in step with the store's decision; they have a say where the store missed something."""
        if not decision.admitted:
            if waiting.reserved:
                self._local.release(waiting.ask, waiting.at_us)
        elif not waiting.reserved:
            if self.away or self._back_us is not None:  # sent before the loss, and others were admitted here since
                return self._local.admit(waiting.ask, now_us)
            self._local.note(waiting.ask, now_us)
        return decision

    def _decide_here(self, batch: list[_Waiting]) -> None:
        """Answer whoever still waits, by our own windows."""
        now_us = self._now_us()
        for waiting in batch:
            if not waiting.decision.done():
                if waiting.reserved:
                    self._local.release(waiting.ask, waiting.at_us)
                waiting.decision.set_result(self._local.admit(waiting.ask, now_us))

    def _lose(self, error: StoreAway, key: str) -> None:
        """Stop asking the server, answer whom it keeps waiting, and look for it in the background."""
        if not self.away:
            self.away = True
            log.warning("the limiter's Redis %s is away, limits hold per instance: %s", self._server, error)
            self._start(self._look_for_it(key))
        stranded, self._waiting = self._waiting, []
        self._decide_here(stranded)

    async def _look_for_it(self, key: str) -> None:
        """Probe until the server answers; ends with it, or with `close`."""
        while self.away:
            try:
                await self._within_budget(self._store.probe(self._server, key))
            except StoreAway:
                await asyncio.sleep(PROBE_EVERY_S)
            else:
                self._back_us = self._now_us()
                self.away = False
                log.warning("the limiter's Redis %s is back, limits hold over all instances", self._server)

    async def _within_budget(self, work: Coroutine[object, object, Value]) -> Value:
        """Wait for `work` as long as a server may keep a request waiting; raises `StoreAway`.

        Not `asyncio.timeout`: on a machine with too much work that one gives up on an answer which lies in the socket
        unread, and two instances that gave up on a healthy Redis admit twice the limit. By as much as we woke too late
        ourselves, and at most for another budget, we wait on; then for the turns in which a socket is read.
        """
        task, deadline_us = self._start(work), self._now_us() + self._budget_us
        await asyncio.wait({task}, timeout=self._budget_us / MICROSECONDS)
        if not task.done():
            late_us = min(self._now_us() - deadline_us, self._budget_us)
            await asyncio.wait({task}, timeout=max(0, late_us) / MICROSECONDS)
        for _ in range(LATE_TURNS):
            if task.done():
                return task.result()
            await asyncio.sleep(0)
        task.cancel()
        task.add_done_callback(_give_up)
        raise StoreAway(f"no answer within {self._budget_us} us")

    def _start(self, work: Coroutine[object, object, Value]) -> asyncio.Task[Value]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End all journeys; who still waits is answered by our own windows."""
        self.away = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stranded, self._waiting = self._waiting, []
        self._decide_here(stranded)


def _give_up(task: asyncio.Task[Value]) -> None:
    """Take note of how given-up work ended, so that asyncio does not warn of an error that nobody looked at."""
    if not task.cancelled():
        task.exception()
