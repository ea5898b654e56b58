"""One Redis that runs a script: its answers, its clock, and its failures by one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import NoScriptError, RedisError

from reference_gateway.adapters.redis.server_clock import ServerClock
from reference_gateway.adapters.redis.topology import Topology, topology
from reference_gateway.adapters.redis.words import server_ms
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis

    from reference_gateway.adapters.redis.words import Reply, Script, Word

US_PER_MS = 1000


class ScriptServer:
    """The script on one server."""

    def __init__(self, name: str, client: Redis, script: Script, *, budget_us: int, now_us: Callable[[], int]) -> None:
        """`name` is host:port; `budget_us` how long a caller waits; `now_us` any monotonic clock of this process."""
        self._name = name
        self._client = client
        self._script = script
        self._now_us = now_us
        self._clock = ServerClock(budget_us)

    async def run(self, words: Sequence[Word], *, asking: bool = False) -> list[Reply | Exception]:
        """Run the script for each word, in one write; raises `StoreAway`.

        `asking` opens each word's slot on a server that is just importing it (Redis Cluster's ASK).
        """
        sent_us = self._now_us()
        try:
            replies = await self._send(words, "EVALSHA", self._script.sha, asking=asking)
            missed = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missed:
                again = await self._send([words[index] for index in missed], "EVAL", self._script.source, asking=asking)
                for index, reply in zip(missed, again, strict=True):
                    replies[index] = reply
        except (RedisError, OSError) as error:
            raise StoreAway(str(error)) from error
        self._learn(replies, sent_us)
        return replies

    async def _send(self, words: Sequence[Word], command: str, code: str, *, asking: bool) -> list[Reply | Exception]:
        last_ms = self._clock.last_us(self._now_us()) // US_PER_MS
        pipeline = self._client.pipeline(transaction=False)
        for word in words:
            if asking:
                pipeline.execute_command("ASKING")
            pipeline.execute_command(command, code, *self._script.arguments(word, last_ms=last_ms))
        replies = list(await pipeline.execute(raise_on_error=False))
        return replies[1::2] if asking else replies

    def _learn(self, replies: Sequence[Reply | Exception], sent_us: int) -> None:
        """Take the server's clock from its first answer; one that came too late says that we had it wrong."""
        for reply in replies:
            if not isinstance(reply, Exception):
                learn = self._clock.relearn if len(reply) == 1 else self._clock.learn
                learn((server_ms(reply) + 1) * US_PER_MS, sent_us)
                return

    async def probe(self, key: str) -> None:
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


class OneServer:
    """The port `Servers` where there is one."""

    def __init__(self, name: str, server: ScriptServer) -> None:
        """`name` is host:port."""
        self._name = name
        self._server = server

    def server(self, key: str) -> str:  # noqa: ARG002 - the port asks by key; here all go to one
        """Name the one server."""
        return self._name

    async def run(self, server: str, words: Sequence[Word]) -> list[Reply | Exception]:  # noqa: ARG002 - as above
        """Run the script for each word, in one write; raises `StoreAway`."""
        return await self._server.run(words)

    async def probe(self, server: str, key: str) -> None:  # noqa: ARG002 - as above
        """Return if the server works; raises `StoreAway`."""
        await self._server.probe(key)

    async def close(self) -> None:
        """Give back every connection."""
        await self._server.close()
