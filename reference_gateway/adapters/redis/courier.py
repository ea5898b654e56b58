"""Words for the cache script on their way to one server: those of a tick travel together, and all are answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.adapters.redis.cache_script import Call
    from reference_gateway.adapters.redis.health import Healths

BATCH_MAX = 256
"""Words of one journey: an answer may hold a whole list, and all of a journey's must arrive within the budget."""
IN_FLIGHT_MAX = 4
"""Journeys at once."""
WAITING_MAX = 10_000
"""Words that wait for a journey; for those beyond it the server counts as away."""

Reply = list[Any]


@dataclass(frozen=True, slots=True)
class Word:
    """One call of the script: its key, as the script gets it, and what follows the server's clock."""

    key: str
    call: Call


class Servers(Protocol):
    """Where keys live."""

    def server(self, key: str) -> str:
        """Name the server of a key."""

    async def run(self, server: str, words: Sequence[Word]) -> list[Reply | Exception]:
        """Run the script for each word, in one write; raises `StoreAway`."""

    async def probe(self, server: str, key: str) -> None:
        """Return if the server works; raises `StoreAway`."""

    async def close(self) -> None:
        """Give back every connection."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    word: Word
    reply: asyncio.Future[Reply]


class Courier:
    """One server's queue of words."""

    def __init__(self, server: str, servers: Servers, healths: Healths) -> None:
        self._server = server
        self._servers = servers
        self._health = healths.of(server)
        self._budget = healths.budget
        self._waiting: list[_Waiting] = []
        self._in_flight = 0
        self._flushing = False

    async def say(self, word: Word) -> Reply:
        """Bring one word there, and its answer back; raises `StoreAway`, at once while the server is away."""
        if self._health.away or len(self._waiting) >= WAITING_MAX:
            raise StoreAway("known to be away")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(word, loop.create_future())
        self._waiting.append(waiting)
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)
        return await waiting.reply

    def _flush(self) -> None:
        """Send off what waits. At the bound of journeys it waits on: the next one home comes by here."""
        self._flushing = False
        while self._waiting and self._in_flight < IN_FLIGHT_MAX:
            batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
            self._in_flight += 1
            self._budget.start(self._travel(batch))

    async def _travel(self, batch: list[_Waiting]) -> None:
        try:
            replies = await self._budget.spend(self._servers.run(self._server, [each.word for each in batch]))
            for waiting, reply in zip(batch, replies, strict=True):
                _settle(waiting, reply)
        except StoreAway as error:
            self._lose(error, batch[0].word.key)
        finally:
            _strand(batch)
            self._in_flight -= 1
            self._flush()

    def _lose(self, error: StoreAway, key: str) -> None:
        self._health.lose(error, lambda: self._servers.probe(self._server, key))
        stranded, self._waiting = self._waiting, []
        _strand(stranded)

    def close(self) -> None:
        """Answer who still waits for a journey."""
        stranded, self._waiting = self._waiting, []
        _strand(stranded)


def _settle(waiting: _Waiting, reply: Reply | Exception) -> None:
    """A server that answers, but with a refusal, is as good as away for this one word."""
    if waiting.reply.done():
        return
    if isinstance(reply, Exception):
        waiting.reply.set_exception(StoreAway(str(reply)))
    else:
        waiting.reply.set_result(reply)


def _strand(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if not waiting.reply.done():
            waiting.reply.set_exception(StoreAway("no answer in time"))
