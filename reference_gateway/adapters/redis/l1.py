"""The tier that all instances share, on Redis: every word is one script call, and costs at most the budget."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from reference_gateway.adapters.redis import cache_script
from reference_gateway.adapters.redis.cache_script import name_of
from reference_gateway.adapters.redis.courier import Couriers, Servers
from reference_gateway.adapters.redis.words import Call, Reply, TooLate, Word, number
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reference_gateway.adapters.redis.cache_script import Terms
    from reference_gateway.adapters.redis.health import Healths
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.ports import Lease, Told

INLINE_MAX_BYTES = 64 * 1024
"""Of a list that is read on the event loop, in some milliseconds; for a larger one everybody would wait."""
LOST_MAX = 10_000
"""Leases that may have been given to us without our hearing of it; beyond it they expire by themselves."""
START_KEY = "start"
"""A key of nobody's."""
US_PER_MS = 1000


class RedisL1:
    """The port `L1Store`."""

    def __init__(self, servers: Servers, terms: Terms, healths: Healths, token: Callable[[], str]) -> None:
        """`token` makes what nobody else can guess or repeat."""
        self._couriers = Couriers(servers, healths)
        self._terms = terms
        self._healths = healths
        self._token = token
        self._lost: deque[tuple[str, str]] = deque(maxlen=LOST_MAX)
        healths.on_back(lambda _: self._give_back_lost())

    async def start(self) -> None:
        """Meet the servers before the first request; one that does not answer is met later."""
        await self._couriers.start(Word(START_KEY, cache_script.FLOOR))

    async def ask(self, key: str, *, newer_than: int, have: int) -> Told:
        """As the port."""
        token, sent_ms = self._token(), self._healths.budget.now_us() // US_PER_MS
        if self._couriers.is_away(name_of(key)):
            raise StoreAway("known to be away")
        if not self._healths.has_budget:
            raise StoreAway("the request has waited for another server already")
        try:
            reply = await self._say(key, cache_script.ask(self._terms, token, newer_than, have))
        except StoreAway:
            self._healths.spent_in_vain()
            self._lost.append((key, token))
            raise
        try:
            if sum(len(part) for part in reply if isinstance(part, bytes)) <= INLINE_MAX_BYTES:
                return cache_script.told(reply, key, token, sent_ms)
            return await asyncio.to_thread(cache_script.told, reply, key, token, sent_ms)
        except (TooLate, ValueError) as error:
            raise StoreAway(f"nothing to go by: {error}") from error

    async def write(self, lease: Lease, entry: Entry, stored: bytes) -> bool:
        """As the port."""
        return bool(await self._number(lease.key, cache_script.write(lease.token, entry, stored)))

    async def renew(self, lease: Lease) -> bool:
        """As the port."""
        return bool(await self._number(lease.key, cache_script.renew(self._terms, lease.token)))

    async def release(self, lease: Lease) -> None:
        """As the port."""
        try:
            await self._number(lease.key, cache_script.release(lease.token))
        except StoreAway:
            self._lost.append((lease.key, lease.token))
            raise

    async def invalidate(self, key: str) -> int:
        """As the port."""
        return await self._number(key, cache_script.INVALIDATE)

    async def floors(self, keys: Sequence[str]) -> Mapping[str, int]:
        """As the port."""
        floors = await asyncio.gather(*(self._number(key, cache_script.FLOOR) for key in keys), return_exceptions=True)
        for floor in floors:
            if isinstance(floor, BaseException):
                raise floor
        return {key: floor for key, floor in zip(keys, floors, strict=True) if isinstance(floor, int) and floor}

    async def _number(self, key: str, call: Call) -> int:
        try:
            return number(await self._say(key, call))
        except TooLate:
            raise StoreAway("the server acted too late") from None

    async def _say(self, key: str, call: Call) -> Reply:
        return await self._couriers.say(Word(name_of(key), call))

    def _give_back_lost(self) -> None:
        """A lease given in an answer that we did not hear would bar everybody for its whole time."""
        lost, self._lost = tuple(self._lost), deque(maxlen=LOST_MAX)
        self._healths.budget.start(self._release_all(lost))

    async def _release_all(self, lost: Sequence[tuple[str, str]]) -> None:
        words = (self._say(key, cache_script.release(token)) for key, token in lost)
        await asyncio.gather(*words, return_exceptions=True)

    async def close(self) -> None:
        """Answer who still waits, and give back the connections."""
        await self._couriers.close()
