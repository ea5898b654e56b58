"""One way of a connection: what one end says, on its way to the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from gatespec.clock import now_ns
from gatespec.proxy.faults import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.proxy.faults import Way

CHUNK_BYTES = 64 * 1024
CHUNKS_MAX = 16
"""Held back per way of a connection, at most; a faster sender then waits, as it would for a slow network."""


class Air:
    """The conditions that all connections of a route breathe, and what became of their bytes."""

    def __init__(self) -> None:
        self.now = Conditions()
        self.counts: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def change(self, now: Conditions) -> None:
        """Let every pipe look again at once."""
        self.now = now
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, reached: Callable[[Conditions], bool]) -> None:
        """Wait until the conditions are such."""
        while not reached(self.now):
            await self._changed.wait()

    async def until_passed(self, way: Way, arrived_ns: int) -> None:
        """Wait until what arrived then has been on its way for as long as it takes now."""
        while (left := arrived_ns + self.now.delay_ms.get(way, 0) * 1_000_000 - now_ns()) > 0:
            try:
                async with asyncio.timeout(left / 1e9):
                    await self._changed.wait()
            except TimeoutError:
                continue


class Pipe:
    """Reads from one end and writes to the other, as the conditions of the moment have it."""

    def __init__(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, air: Air) -> None:
        self.way = way
        self.passed = 0
        """Bytes that reached the other end since the conditions last changed."""
        self.lossy = False
        """Whether bytes are missing in what reached the other end: then the rest must never follow."""
        self._reader = reader
        self._writer = writer
        self._air = air
        self._held: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(CHUNKS_MAX)

    async def run(self) -> None:
        """Pass on until its end was passed on too; raise `OSError` where the other end is gone."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._take())
            both.create_task(self._give())

    async def _take(self) -> None:
        while chunk := await self._read():
            await self._held.put((now_ns(), chunk))
        await self._held.put((now_ns(), b""))

    async def _read(self) -> bytes:
        """What was said next; nothing where that end is done, or gone."""
        try:
            return await self._reader.read(CHUNK_BYTES)
        except OSError:
            return b""

    async def _give(self) -> None:
        while True:
            arrived_ns, chunk = await self._held.get()
            await self._air.until_passed(self.way, arrived_ns)
            if not chunk:
                break
            await self._pass_on(chunk)
        # That somebody left is news, too: who stands before a black hole does not hear it.
        await self._air.until(lambda now: self.way not in now.swallows)
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def _pass_on(self, chunk: bytes) -> None:
        if self.way in self._air.now.swallows:
            self.lossy = True
            self._air.counts[f"swallowed_{self.way}"] += len(chunk)
            return
        self._writer.write(chunk)
        self.passed += len(chunk)
        self._air.counts[f"passed_{self.way}"] += len(chunk)
        await self._writer.drain()
