"""One Redis server that runs the window script: one journey for many calls, its clock known, its failures named."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from redis.exceptions import NoScriptError, RedisError, ResponseError

from reference_gateway.adapters.redis import script
from reference_gateway.adapters.redis.server_clock import ServerClock
from reference_gateway.adapters.redis.topology import Topology, topology
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from redis.asyncio import Redis

    from reference_gateway.core.limiter import Ask
    from reference_gateway.core.window import Decision

Turns = dict["Ask", "Iterator[Decision]"]


class RedisServer:
    """The script on one server."""

    def __init__(self, name: str, client: Redis, *, budget_us: int, now_us: Callable[[], int]) -> None:
        """`budget_us` is how long a caller waits; `now_us` any monotonic clock of this process."""
        self._name = name
        self._client = client
        self.now_us = now_us
        self._clock = ServerClock(budget_us)

    async def decide(self, asks: Sequence[Ask]) -> list[Decision]:
        """Decide on all asks in one script call; raises `StoreAway` or `script.Late`."""
        asked, sent_us = Counter(asks), self.now_us()
        (reply,) = await self.run([asked])
        return script.in_order(asks, self.read(reply, asked, sent_us))

    async def run(self, calls: Sequence[Mapping[Ask, int]], *, asking: bool = False) -> list[bytes | ResponseError]:
        """Send one script call for each group of asks, all in one write; an answer can be the server's refusal.

        `asking` opens each call's slot on a server that is just importing it (Redis Cluster's ASK).
        """
        try:
            replies = await self._send(calls, script.SHA, "EVALSHA", asking=asking)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                replies = await self._load(calls, replies, asking=asking)
        except (RedisError, OSError) as error:
            raise StoreAway(str(error)) from error
        return replies

    async def _load(
        self, calls: Sequence[Mapping[Ask, int]], replies: list[bytes | ResponseError], *, asking: bool
    ) -> list[bytes | ResponseError]:
        """Send the script itself where the server (new, or flushed) does not know it; the others' answers stand."""
        missed = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        again = await self._send([calls[index] for index in missed], script.SOURCE, "EVAL", asking=asking)
        for index, reply in zip(missed, again, strict=True):
            replies[index] = reply
        return replies

    async def _send(
        self, calls: Sequence[Mapping[Ask, int]], code: str, command: str, *, asking: bool
    ) -> list[bytes | ResponseError]:
        last_us = self._clock.last_us(self.now_us())
        pipeline = self._client.pipeline(transaction=False)
        for asked in calls:
            if asking:
                pipeline.execute_command("ASKING")
            pipeline.execute_command(command, code, *script.arguments(asked, last_us=last_us))
        replies = await pipeline.execute(raise_on_error=False)
        return replies[1::2] if asking else replies

    def read(self, reply: bytes | ResponseError, asked: Mapping[Ask, int], sent_us: int) -> Turns:
        """Read an answer to what was sent at `sent_us`, and from it the server's clock; raises as `decide` does."""
        if isinstance(reply, ResponseError):
            raise StoreAway(str(reply)) from reply
        try:
            server_us, turns = script.decisions(reply, asked)
        except script.Late as late:
            self._clock.relearn(late.now_us, sent_us)
            raise
        self._clock.learn(server_us, sent_us)
        return turns

    async def probe(self, key: str) -> None:
        """Ask for a key's length: a server that loads, lost its cluster or refuses us says so; raises `StoreAway`."""
        try:
            await self._client.zcard(key)
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
