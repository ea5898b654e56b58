"""A provider on loopback that says exactly the bytes that a test gives it, and a session to ask it with."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from reference_gateway.adapters.providers import ADAPTERS, HttpWire, ListCall, Listing, Token
from tests.gateway_providers.accepted import CREDENTIAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reference_gateway.core.credentials.ports import Credential

NOW_MS = 1_764_000_000_000


@dataclass
class Provider:
    """Answers, byte for byte, what it was told to say, and remembers how it was asked."""

    url: str = ""
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)

    def says(self, body: bytes = b'{"data":{}}', status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.body, self.status, self.headers = body, status, headers or {}

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return web.Response(body=self.body, status=self.status, headers=dict(self.headers))


@dataclass
class Asking:
    """Asks an endpoint for its offers as the gateway's provider that has its adapter's name."""

    session: aiohttp.ClientSession
    tokens: dict[str, Token] = field(default_factory=dict)
    read_aside: bool = False
    """Whether the last list was read in a thread of its own."""

    def now_ms(self) -> int:
        self.read_aside = threading.current_thread() is not threading.main_thread()
        return NOW_MS

    async def __call__(
        self, endpoint: str, adapter: str = "lambda", *, credential: Credential | None = None, deadline_s: float = 5
    ) -> Listing:
        call = await self.call(endpoint, adapter, credential=credential, deadline_s=deadline_s)
        return await ADAPTERS[adapter].list_offers(call)

    async def call(
        self, endpoint: str, adapter: str, *, credential: Credential | None = None, deadline_s: float = 5
    ) -> ListCall:
        credential = CREDENTIAL if credential is None else credential
        until_s = asyncio.get_running_loop().time() + deadline_s
        wire = HttpWire(self.session, endpoint, until_s, self.now_ms)
        return ListCall(adapter, credential, wire, self.now_ms, self.tokens)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    provider.says()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.answer)
    async with TestServer(app) as server:
        provider.url = str(server.make_url("/prefix"))
        yield provider


@pytest.fixture
async def list_offers() -> AsyncIterator[Asking]:
    async with aiohttp.ClientSession() as session:
        yield Asking(session)


@dataclass
class Wire:
    """A listener that speaks no HTTP of its own: it sends the given bytes, then closes, or keeps the line open."""

    url: str
    sends: bytes = b""
    hangs: bool = False
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.sends)
        if self.hangs:
            await reader.read()  # until the caller hangs up
        writer.close()
        self.closed.set()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire("")
    server = await asyncio.start_server(wire.meet, "127.0.0.1", 0)
    wire.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield wire
