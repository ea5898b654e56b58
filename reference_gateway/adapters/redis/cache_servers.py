"""Where the cache's keys live: on a single Redis, or each on its own node of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from reference_gateway.adapters.redis import cache_script
from reference_gateway.adapters.redis.server_clock import ServerClock
from reference_gateway.adapters.redis.topology import UNKNOWN
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis, RedisCluster

    from reference_gateway.adapters.redis.cache_script import Terms
    from reference_gateway.adapters.redis.courier import Reply, Word

US_PER_MS = 1000


class CacheServers:
    """The port `Servers` over redis-py, whose pipelines find each key's node by themselves."""

    def __init__(
        self, client: Redis | RedisCluster, terms: Terms, *, name: str, budget_us: int, now_us: Callable[[], int]
    ) -> None:
        """`name` is the server's host:port; empty for a cluster, which names its nodes itself."""
        self._client: Any = client
        self._terms = terms
        self._name = name
        self._budget_us = budget_us
        self._now_us = now_us
        self._clocks: dict[str, ServerClock] = {}

    def server(self, key: str) -> str:
        """Name the key's server, or `UNKNOWN` before the cluster was first found."""
        if self._name:
            return self._name
        try:
            return str(self._client.get_node_from_key(key).name)
        except (RedisClusterException, AttributeError, KeyError, IndexError):
            return UNKNOWN

    async def run(self, server: str, words: Sequence[Word]) -> list[Reply | Exception]:
        """Run the script for each word, in one write; raises `StoreAway`."""
        sent_us = self._now_us()
        clock = self._clocks.setdefault(server, ServerClock(self._budget_us))
        try:
            replies = await self._send(words, "EVALSHA", cache_script.SHA, clock)
            missed = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missed:
                again = await self._send([words[index] for index in missed], "EVAL", cache_script.SOURCE, clock)
                for index, reply in zip(missed, again, strict=True):
                    replies[index] = reply
        except (RedisError, RedisClusterException, OSError) as error:
            raise StoreAway(str(error)) from error
        _learn(clock, replies, sent_us)
        return replies

    async def _send(
        self, words: Sequence[Word], command: str, code: str, clock: ServerClock
    ) -> list[Reply | Exception]:
        last_ms = clock.last_us(self._now_us()) // US_PER_MS
        pipeline = self._client.pipeline(transaction=False)
        for word in words:
            words_of = cache_script.arguments(word.key, word.call, self._terms, last_ms=last_ms, prefix="")
            pipeline.execute_command(command, code, *words_of)
        return list(await pipeline.execute(raise_on_error=False))

    async def probe(self, server: str, key: str) -> None:  # noqa: ARG002 - the client knows the key's server
        """Ask for a key: a server that loads, lost its cluster or refuses us says so; raises `StoreAway`."""
        try:
            await self._client.exists(key)
        except (RedisError, RedisClusterException, OSError) as error:
            raise StoreAway(str(error)) from error

    async def close(self) -> None:
        """Give back every connection."""
        await self._client.aclose()


def _learn(clock: ServerClock, replies: Sequence[Reply | Exception], sent_us: int) -> None:
    """Take the server's clock from its first answer; one that came too late says that we had it wrong."""
    for reply in replies:
        if not isinstance(reply, Exception):
            learn = clock.relearn if len(reply) == 1 else clock.learn
            learn((cache_script.server_ms(reply) + 1) * US_PER_MS, sent_us)
            return
