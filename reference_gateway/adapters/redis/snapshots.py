"""Snapshots and the cursors' key on Redis, single or cluster: what hangs costs its caller the budget, never more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from reference_gateway.core.limiter import MICROSECONDS, StoreAway
from reference_gateway.core.snapshot_store import BLOB_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from redis.asyncio import Redis, RedisCluster

KEY = "snapshot:key"
"""Of the key that cursors are sealed with: it never expires, or all cursors would change with it."""
IN_FLIGHT_MAX = 16
"""Journeys at once; beyond them the store counts as away for whoever asks."""
FINISH_S = 2.0
"""How long a write that nobody waits for any more may still take."""
REST_BUDGETS = 2
"""Budgets for which nobody waits after one was spent: no request spends two, and the limiter knows by then."""
LATE_TURNS = 8
"""Turns of the event loop in which an answer that lies in the socket already is read, once time is up."""

Value = TypeVar("Value")


class RedisSnapshots:
    """The port `SnapshotStore`. While Redis is known to be away nobody waits for it."""

    def __init__(
        self,
        client: Redis | RedisCluster,
        *,
        budget_us: int,
        now_us: Callable[[], int],
        is_away: Callable[[], bool],
    ) -> None:
        """`is_away` is told by whoever looks for Redis in the background: the limiter asks it with every request."""
        self._client = client
        self._budget_us = budget_us
        self._now_us = now_us
        self._is_away = is_away
        self._rest_until_us = 0
        self._tasks: set[asyncio.Task[Any]] = set()

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
        if self._is_away() or self._now_us() < self._rest_until_us or len(self._tasks) >= IN_FLIGHT_MAX:
            work.close()
            raise StoreAway("Redis is away, or has too much to do")
        task = asyncio.get_running_loop().create_task(_bounded(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=self._budget_us / MICROSECONDS)
        for _ in range(LATE_TURNS):
            if task.done():
                return _result(task)
            await asyncio.sleep(0)
        self._rest_until_us = self._now_us() + REST_BUDGETS * self._budget_us
        raise StoreAway(f"no answer within {self._budget_us} us")

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def close(self) -> None:
        """End what is under way, and give back the connections."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()


async def _bounded(work: Coroutine[Any, Any, Value]) -> Value:
    async with asyncio.timeout(FINISH_S):
        return await work


def _result(task: asyncio.Task[Value]) -> Value:
    try:
        return task.result()
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        raise StoreAway(str(error)) from error
