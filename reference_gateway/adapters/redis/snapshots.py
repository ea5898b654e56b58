"""Snapshots and the cursors' key on Redis, single or cluster: what hangs costs its caller the budget, never more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from redis.asyncio import Redis, RedisCluster

    from reference_gateway.adapters.redis.health import Healths

KEY = "snapshot:key"
"""Of the key that cursors are sealed with: it never expires, or all cursors would change with it."""
BLOB_MAX_BYTES = 8 * 1024 * 1024
"""Of one list, compressed: some 100,000 offers of one provider."""
IN_FLIGHT_MAX = 256
"""Journeys at once, most of them waiting for a connection; beyond them the store counts as away for whoever asks."""
FINISH_S = 2.0
"""How long a write that nobody waits for any more may still take."""
REST_BUDGETS = 2
"""Budgets for which nobody waits after one was spent: no request spends two, and the limiter knows by then."""

Value = TypeVar("Value")


class RedisSnapshots:
    """The port `SnapshotStore`. While a server is known to be away nobody waits for any."""

    def __init__(self, client: Redis | RedisCluster, healths: Healths) -> None:
        self._client = client
        self._healths = healths
        self._budget = healths.budget
        self._in_flight = 0
        self._rest_until_us = 0

    async def put(self, blobs: Mapping[str, bytes], keep_ms: int) -> None:
        """As `SnapshotStore`; what did not arrive within the budget may still do so."""
        if any(len(blob) > BLOB_MAX_BYTES for blob in blobs.values()):
            raise StoreAway(f"a list has more than {BLOB_MAX_BYTES} bytes")
        await self._within_budget(self._put(blobs, keep_ms))

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `SnapshotStore`."""
        return await self._within_budget(self._get(keys))

    async def agree(self, key: bytes) -> bytes:
        """As `SnapshotStore`."""
        return await self._within_budget(self._agree(key))

    async def _put(self, blobs: Mapping[str, bytes], keep_ms: int) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for key, blob in blobs.items():
            pipeline.set(key, blob, px=max(1, keep_ms))
        await pipeline.execute()

    async def _get(self, keys: Sequence[str]) -> list[bytes | None]:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return list(await pipeline.execute())

    async def _agree(self, key: bytes) -> bytes:
        await self._client.set(KEY, key, nx=True)
        kept = await self._client.get(KEY)
        return kept if isinstance(kept, bytes) else key

    async def _within_budget(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Wait for `work` as long as a request may; it may finish without us, and is ended after `FINISH_S`."""
        if self._healths.away or self._budget.now_us() < self._rest_until_us or self._in_flight >= IN_FLIGHT_MAX:
            work.close()
            raise StoreAway("Redis is away, or has too much to do")
        self._in_flight += 1
        journey = self._budget.start(self._travel(work))
        journey.add_done_callback(self._ended)
        try:
            return await self._budget.spend(_followed(journey))
        except StoreAway:
            self._rest_until_us = self._budget.now_us() + REST_BUDGETS * self._budget.budget_us
            raise

    async def _travel(self, work: Coroutine[Any, Any, Value]) -> Value:
        try:
            async with asyncio.timeout(FINISH_S):
                return await work
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            raise StoreAway(str(error)) from error

    def _ended(self, journey: asyncio.Task[Any]) -> None:
        """Nobody may have waited for it to the end, and an error that nobody looks at makes asyncio complain."""
        self._in_flight -= 1
        if not journey.cancelled():
            journey.exception()

    async def close(self) -> None:
        """Give back the connections; what is under way ends with the budget's other work."""
        await self._client.aclose()


async def _followed(journey: asyncio.Task[Value]) -> Value:
    """Whoever gives up waiting does not end the journey."""
    return await asyncio.shield(journey)
