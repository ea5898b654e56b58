"""A route: one port that stands for one server, and every connection through it."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.proxy.faults import conditions
from gatespec.proxy.pipe import CHUNK_BYTES, Air, Pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.proxy.faults import Fault, Parting

CONNECTIONS_MAX = 1_000
"""At a time; PostgreSQL takes 200, and one gateway's pool is far smaller."""
CONNECT_S = 5.0
"""How long the server may take to accept: it listens on this very machine."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing sends RST instead of FIN."""


@dataclass(frozen=True)
class Evidence:
    """What a route saw since it was opened: a fault that left no trace here did not bite."""

    made: int
    """Connections taken up."""
    ended: int
    """Connections that a fault closed or reset."""
    turned_away: int
    """Connections beyond `CONNECTIONS_MAX`, and those whose server did not take them up."""
    live: int
    """Connections that stand."""
    talking: Sequence[int]
    """The clients' ports of those over which the server has said something since the faults last changed."""
    passed_up: int
    passed_down: int
    swallowed_up: int
    swallowed_down: int


class Link:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client = reader, writer
        self.pipes: tuple[Pipe, ...] = ()
        self.parting: Parting = ""
        self.client_port: int = writer.get_extra_info("peername")[1]
        self._writers = [writer]

    async def run(self, upstream: tuple[str, int], air: Air) -> None:
        """Pass on both ways until both ends are done."""
        async with asyncio.timeout(CONNECT_S):
            answers, server = await asyncio.open_connection(*upstream, limit=CHUNK_BYTES)
        self._writers.append(server)
        self.pipes = Pipe("up", self.client[0], server, air), Pipe("down", answers, self.client[1], air)
        async with asyncio.TaskGroup() as both:
            for pipe in self.pipes:
                both.create_task(pipe.run())

    @property
    def talking(self) -> bool:
        """Whether the server has said something since the conditions last changed."""
        return any(pipe.passed for pipe in self.pipes if pipe.way == "down")

    def end(self) -> None:
        """Close both ends at once, or reset them where that is how it parts."""
        for writer in self._writers:
            if self.parting == "reset":
                held: socket.socket = writer.get_extra_info("socket")
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


class Route:
    """A listening port that stands for a server; its faults change at run time, also for live connections."""

    def __init__(self, port: int, upstream: tuple[str, int]) -> None:
        self._at = "127.0.0.1", port
        self._upstream = upstream
        self._air = Air()
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._door: asyncio.Server | socket.socket = _reserved(self._at)

    async def open(self) -> None:
        """Take up connections."""
        if isinstance(self._door, socket.socket):
            self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._door = await asyncio.start_server(self._serve, sock=self._door, limit=CHUNK_BYTES)

    def _shut(self) -> None:
        """Refuse connections, and hold the port meanwhile: bound without listening, the kernel answers with a reset."""
        if isinstance(self._door, asyncio.Server):
            self._door.close()
            self._door = _reserved(self._at)

    async def impose(self, faults: Iterable[Fault]) -> Evidence:
        """Have these faults in force and no others; return when they are, with what was seen until then."""
        now = conditions(faults)
        parted = [self._part(link, now.parting) for link in self._links if now.parting]
        # A stream that lost bytes must never go on without them: its end is what a client can recover from.
        ways = {pipe.way for link in self._links for pipe in link.pipes if pipe.lossy} - now.swallows
        parted += [self._part(link, "reset") for link in self._links if _lost(link) & ways and not link.parting]
        for pipe in (pipe for link in self._links for pipe in link.pipes):
            pipe.passed = 0
        self._air.change(now)
        if now.accepts:
            await self.open()
        else:
            self._shut()
        if parted:
            await asyncio.wait(parted)
        return self.evidence()

    def _part(self, link: Link, how: Parting) -> asyncio.Task[None]:
        link.parting = how
        self._air.counts["ended"] += 1
        self._links[link].cancel()
        return self._links[link]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        if not self._air.now.accepts or self._air.now.resets:
            link.parting = "reset"
            self._air.counts["ended"] += 1
            link.end()
        elif len(self._links) >= CONNECTIONS_MAX:
            self._air.counts["turned_away"] += 1
            link.end()
        else:
            task = asyncio.create_task(self._pass_on(link))
            self._links[link] = task
            self._air.counts["made"] += 1

    async def _pass_on(self, link: Link) -> None:
        try:
            await link.run(self._upstream, self._air)
        except* OSError:  # one end is gone, and so shall the other be
            self._air.counts["turned_away"] += not link.pipes
        finally:
            del self._links[link]
            link.end()

    def evidence(self) -> Evidence:
        """What was seen so far."""
        counts, links = self._air.counts, self._links
        ways = {f"{what}_{way}": counts[f"{what}_{way}"] for what in ("passed", "swallowed") for way in ("up", "down")}
        told = {name: counts[name] for name in ("made", "ended", "turned_away")}
        talking = tuple(link.client_port for link in links if link.talking)
        return Evidence(**told, **ways, live=len(links), talking=talking)

    async def close(self) -> None:
        """Shut the port and end every connection."""
        self._door.close()
        tasks = list(self._links.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _lost(link: Link) -> set[str]:
    return {pipe.way for pipe in link.pipes if pipe.lossy}


def _reserved(at: tuple[str, int]) -> socket.socket:
    """A port that is ours and refuses; raise `OSError` where it is somebody else's."""
    door = socket.socket()
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(at)
        # Others find it taken; it opens again beside connections that linger from before.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        door.setblocking(False)  # noqa: FBT003 - the method takes it so
    except OSError:
        door.close()
        raise
    return door
