"""One Redis that keeps the cache's keys: its answers, its clock, and its failures by one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import NoScriptError, RedisError

from reference_gateway.adapters.redis import cache_script
from reference_gateway.adapters.redis.server_clock import ServerClock
from reference_gateway.adapters.redis.topology import Topology, topology
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis

    from reference_gateway.adapters.redis.cache_script import Terms
    from reference_gateway.adapters.redis.courier import Reply, Word

US_PER_MS = 1000


class CacheServer:
    """The port `Servers` where there is one; of a cluster, one node."""

    def __init__(self, name: str, client: Redis, terms: Terms, *, budget_us: int, now_us: Callable[[], int]) -> None:
        """`name` is host:port; `budget_us` how long a caller waits; `now_us` any monotonic clock of this process."""
        self._name = name
        self._client = client
        self._terms = terms
        self._now_us = now_us
        self._clock = ServerClock(budget_us)

    def server(self, key: str) -> str:  # noqa: ARG002 - the port asks by key; here all go to one
        """Name the one server."""
        return self._name

    async def run(self, server: str, words: Sequence[Word]) -> list[Reply | Exception]:  # noqa: ARG002 - as above
        """Run the script for each word, in one write; raises `StoreAway`."""
        sent_us = self._now_us()
        try:
            replies = await self._send(words, "EVALSHA", cache_script.SHA)
            missed = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missed:
                again = await self._send([words[index] for index in missed], "EVAL", cache_script.SOURCE)
                for index, reply in zip(missed, again, strict=True):
                    replies[index] = reply
        except (RedisError, OSError) as error:
            raise StoreAway(str(error)) from error
        self._learn(replies, sent_us)
        return replies

    async def _send(self, words: Sequence[Word], command: str, code: str) -> list[Reply | Exception]:
        last_ms = self._clock.last_us(self._now_us()) // US_PER_MS
        pipeline = self._client.pipeline(transaction=False)
        for word in words:
            arguments = cache_script.arguments(word.key, word.call, self._terms, last_ms=last_ms, prefix="")
            pipeline.execute_command(command, code, *arguments)
        return list(await pipeline.execute(raise_on_error=False))

    def _learn(self, replies: Sequence[Reply | Exception], sent_us: int) -> None:
        """Take the server's clock from its first answer; one that came too late says that we had it wrong."""
        for reply in replies:
            if not isinstance(reply, Exception):
                learn = self._clock.relearn if len(reply) == 1 else self._clock.learn
                learn((cache_script.server_ms(reply) + 1) * US_PER_MS, sent_us)
                return

    async def probe(self, server: str, key: str) -> None:  # noqa: ARG002 - as above
        """Ask for a key: a server that loads, lost its cluster or refuses us says so; raises `StoreAway`."""
        try:
            await self._client.exists(key)
        except (RedisError, OSError) as error:
            raise StoreAway(str(error)) from error

    async def topology(self) -> Topology:
        """Tell the cluster's servers and slots, as this one knows them; raises `StoreAway`."""
        try:
            slots = await self._client.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]  # redis-py
        except (RedisError, OSError) as error:
            raise StoreAway(str(error)) from error
        return topology(slots, self._name)

    async def close(self) -> None:
        """Give back every connection."""
        await self._client.aclose()
