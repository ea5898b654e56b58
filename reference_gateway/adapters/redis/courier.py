"""Words for a script on their way to its servers: those of a tick travel together, and all are answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.adapters.redis.health import Healths
    from reference_gateway.adapters.redis.words import Reply, Word

BATCH_MAX = 256
"""Words of one journey: an answer may hold a whole list, and all of a journey's must arrive within the budget."""
IN_FLIGHT_MAX = 4
"""Journeys at once."""
WAITING_MAX = 10_000
"""Words that wait for a journey; for those beyond it the server counts as away."""
START_S = 1.0
"""How long the start of an instance waits for Redis, once."""


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


class Couriers:
    """One to each server that a key was ever with."""

    def __init__(self, servers: Servers, healths: Healths) -> None:
        self._servers = servers
        self._healths = healths
        self._by_server: dict[str, Courier] = {}

    async def start(self, word: Word) -> None:
        """Meet the servers before the first request, by any word; one that does not answer is met later."""
        try:
            async with asyncio.timeout(START_S):
                await self._servers.run(self._servers.server(word.key), [word])
        except (StoreAway, TimeoutError):
            return

    def is_away(self, key: str) -> bool:
        """Whether the key's server is known to be away."""
        return self._healths.of(self._servers.server(key)).away

    async def say(self, word: Word) -> Reply:
        """Bring one word to its server, and the answer back; raises `StoreAway`, at once while the server is away."""
        server = self._servers.server(word.key)
        courier = self._by_server.get(server)
        if courier is None:
            courier = self._by_server[server] = Courier(server, self._servers, self._healths)
        return await courier.say(word)

    async def close(self) -> None:
        """Answer who still waits, and give back the connections."""
        for courier in self._by_server.values():
            courier.close()
        await self._servers.close()
