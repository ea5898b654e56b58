"""The way to one server of the shared store: asks travel in batches; while the server is away nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_gateway.adapters.redis.script import ASKS_MAX, Late
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from reference_gateway.adapters.redis.health import Healths
    from reference_gateway.core.limiter import Ask, LocalWindows, WindowStore
    from reference_gateway.core.window import Decision

BATCH_MAX = ASKS_MAX
"""Asks of one journey."""
IN_FLIGHT_MAX = 4
"""Journeys at once: enough that a tick need not wait for the one before, while asks of a busy server gather."""
WAITING_MAX = 10_000
"""Asks that wait for a journey; beyond it they are decided here, as if the server were away."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Somebody who asked at `at_us`, perhaps with an admission already kept for him in our own windows."""

    ask: Ask
    decision: asyncio.Future[Decision]
    at_us: int
    reserved: bool


class Route:
    """One server's queue."""

    def __init__(self, server: str, store: WindowStore, local: LocalWindows, healths: Healths) -> None:
        self._server = server
        self._store = store
        self._local = local
        self._healths = healths
        self._health = healths.of(server)
        self._budget = healths.budget
        self._now_us = healths.budget.now_us
        self._waiting: list[_Waiting] = []
        self._in_flight = 0
        self._flushing = False

    async def decide(self, ask: Ask) -> Decision:
        """Decide with the others of this tick; by our own windows at once while the server is away."""
        now_us = self._now_us()
        if self._health.away or len(self._waiting) >= WAITING_MAX:
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
        decision = await waiting.decision
        if self._health.away:
            self._healths.spent_in_vain()
        return decision

    def _just_back(self, ask: Ask, now_us: int) -> bool:
        """Whether the server may not know what was admitted without it; it knows all again after one window.

        It was away, or has slots that were another's: a replica that takes over has not seen what was decided here
        while there was no master, nor the last that the master counted.

        Until then our own windows must agree as well, and the admission is kept there before the server is asked:
        checked only, all asks of one tick would see the same last free place.
        """
        back_us = self._health.back_us
        return back_us is not None and now_us < back_us + ask.window_us

    def _flush(self) -> None:
        """Send off what waits. At the bound of journeys it waits on: the next one home comes by here."""
        self._flushing = False
        while self._waiting and self._in_flight < IN_FLIGHT_MAX:
            batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
            self._in_flight += 1
            self._budget.start(self._travel(batch))

    async def _travel(self, batch: list[_Waiting]) -> None:
        """Bring a batch its decisions, the store's or ours.

        The budget begins here: what asks waited before, they waited for our own loop, or behind journeys of which the
        first that is given up answers them.
        """
        asks = [waiting.ask for waiting in batch]
        try:
            self._settle(batch, await self._budget.spend(self._store.decide(self._server, asks)))
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
            if self._health.away or self._just_back(waiting.ask, now_us):
                # Sent before the loss, and others were admitted here since.
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
        """Stop asking the server, and answer whom it keeps waiting."""
        self._health.lose(error, lambda: self._store.probe(self._server, key))
        stranded, self._waiting = self._waiting, []
        self._decide_here(stranded)

    def close(self) -> None:
        """Answer who still waits for a journey, by our own windows."""
        stranded, self._waiting = self._waiting, []
        self._decide_here(stranded)
