"""The ways to the providers' endpoints: one session of connections, and a wire for each attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp

from reference_gateway.adapters.providers import FailureKind, HttpWire, ProviderFailed
from reference_gateway.edge import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.edge.providers_file import Provider

MS_PER_S: Final = 1000


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp repeats a GET by itself when its connection breaks, under these two errors.

    One attempt, or one trial of a half-open breaker, would be two calls for the provider.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


class Wires:
    """Opened with the instance, closed when nobody calls any more."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._urls: Mapping[str, Sequence[str]] = {
            provider.name: [endpoint.url for endpoint in provider.endpoint] for provider in providers
        }
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Make ready to call; needs the running loop."""
        # Each provider's places bound its connections; one bound over all would let some wait for others' answers.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, middlewares=(once,)
        )

    async def close(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()

    def urls(self, provider: str) -> Sequence[str]:
        """Name a provider's endpoints."""
        return self._urls[provider]

    def wire(self, provider: str, endpoint: int, within_ms: int, each_ms: int) -> HttpWire:
        """Return the way to one endpoint, for so long, each request for so long; raises `ProviderFailed`."""
        if self._session is None:
            raise ProviderFailed(FailureKind.CONNECTION, "not open")
        until_s = asyncio.get_running_loop().time() + within_ms / MS_PER_S
        url = self._urls[provider][endpoint]
        return HttpWire(self._session, url, until_s, clock.epoch_ms, each_s=each_ms / MS_PER_S)
