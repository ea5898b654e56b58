"""What other instances did to keys, as Redis tells it; and when something may have been missed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from redis.exceptions import RedisError

from reference_gateway.adapters.redis.cache_script import key_named
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

PING_EVERY_S = 0.3
"""How long a line is silent before we ask whether it still stands: messages over a dead one are lost unnoticed."""
SILENT_MAX = 3
"""Pings in a row without a word: then the line is dead, and a new one is laid."""
RETRY_S = 0.2
"""Between two attempts to lay the line."""

log = logging.getLogger(__name__)


class Hearer(Protocol):
    """Who wants to know."""

    def free(self, key: str) -> None:
        """Whoever fetched the key brought nothing."""

    def filled(self, key: str) -> None:
        """There is a new entry of the key."""

    def outdated(self, key: str, floor: int) -> None:
        """What was fetched of the key up to this epoch is outdated."""

    async def missed(self) -> None:
        """Something may have been missed until now; raises `StoreAway`."""


class Notices:
    """One line to Redis that only listens."""

    def __init__(self, clients: Sequence[Callable[[], Redis]], channel: str, hearer: Hearer) -> None:
        """`clients` open each of the servers that can be listened at, in turn: in a cluster any of them hears all."""
        self._clients = clients
        self._channel = channel
        self._hearer = hearer
        self._task: asyncio.Task[None] | None = None
        self.listening = False

    def start(self) -> None:
        """Listen until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        attempt = 0
        while True:  # until close
            client = self._clients[attempt % len(self._clients)]()
            attempt += 1
            try:
                await self._listen(client)
            except (RedisError, StoreAway, OSError, TimeoutError) as error:
                if self.listening:
                    log.warning("invalidations are not heard of for now: %s", type(error).__name__)
                self.listening = False
            finally:
                await client.aclose()
            await asyncio.sleep(RETRY_S)

    async def _listen(self, client: Redis) -> None:
        async with client.pubsub() as line:
            async with asyncio.timeout(PING_EVERY_S * SILENT_MAX):
                await line.subscribe(self._channel)
                await line.get_message(timeout=PING_EVERY_S * SILENT_MAX)
            await self._hearer.missed()
            self.listening = True
            silent = 0
            while silent < SILENT_MAX:
                silent = 0 if await self._hear(line) else silent + 1
            raise TimeoutError

    async def _hear(self, line: PubSub) -> bool:
        """Wait for the next word; where none comes, ask for one, and say that none came."""
        message = await line.get_message(timeout=PING_EVERY_S)
        if message is None:
            async with asyncio.timeout(PING_EVERY_S):
                await line.ping()
            return False
        if message["type"] == "message":
            self._tell(message["data"].decode())
        return True

    def _tell(self, news: str) -> None:
        """Read `free NAME`, `filled NAME` or `outdated FLOOR NAME`; what else is said was not meant for us."""
        match news.split(" "):
            case ["filled", name]:
                self._hearer.filled(key_named(name))
            case ["free", name]:
                self._hearer.free(key_named(name))
            case ["outdated", floor, name]:
                self._hearer.outdated(key_named(name), int(floor))

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
