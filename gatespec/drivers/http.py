"""The wire tier: HTTP to running instances, over connections that stay open."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp

from gatespec.clock import MonotonicClock, now_ns, sleep_until_ns
from gatespec.contract.watch import Watch
from gatespec.ports import Exchange, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.drivers.people import People
    from gatespec.ports import Binding, Identity, Kind, Plan, Request, Tier
    from gatespec.stack.lane import Lane

    Heard = Callable[[Mapping[str, str], bytes], None]

ANSWER_S = 10.0
"""Twice what the contract gives any request: what takes longer 'may have happened'."""
CONNECTIONS_MAX = 256
BODY_MAX_BYTES = 4_194_304
"""What is read of one answer; the contract's largest have some hundred kB."""
NEWS_ROUNDS = 2
"""Rounds of the event loop: in the first it learns of what ended, in the second whoever holds it does."""


class HttpGateway:
    """Running instances, reached at their addresses."""

    def __init__(  # noqa: PLR0913 - what a gateway is reached by
        self,
        urls: Sequence[str],
        people: People,
        *,
        tier: Tier = "wire",
        binding: Binding = "http",
        alive: Callable[[], None] = lambda: None,
        heard: Heard | None = None,
    ) -> None:
        """`alive` raises where the gateway died; it is asked when a story left a request without an answer.

        `heard` is told every answer.
        """
        self.tier: Tier = tier
        self.binding: Binding = binding
        self.instances = len(urls)
        self.clock = MonotonicClock()
        self.waited_ms = 0
        self.contract = Watch()
        """Every answer, held against the document."""
        self._urls = list(urls)
        self._people = people
        self._alive = alive
        self._heard = heard or nobody
        self._unanswered = False
        self._runner = asyncio.Runner()
        self._session = self._runner.run(_open())

    def begin(self) -> None:
        """Let nobody of the last story be met again, and tell no story to the dead."""
        if self._unanswered:
            self._alive()
        self._unanswered = False
        self._people.begin()

    def fresh(self, kind: Kind, plan: Plan) -> Identity:
        """Return somebody whose window is empty."""
        identity, wait_ms = self._people.fresh(kind, plan, self.clock.now_ms())
        self.wait(wait_ms)
        return identity

    def play(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send each at its delay, side by side."""
        return self._runner.run(self._play(requests))

    async def _play(self, requests: Sequence[Request]) -> list[Exchange]:
        await _news()
        began = now_ns()
        sent = (self._send(request, began + request.delay_ms * 1_000_000) for request in requests)
        exchanges = list(await asyncio.gather(*sent))
        self._unanswered |= any(exchange.status is None for exchange in exchanges)
        for exchange in exchanges:
            self._heard(exchange.headers, exchange.body)
            self.contract.heard(exchange)
            self._people.used(exchange.request.identity, exchange.span.heard_ms)
        return exchanges

    async def _send(self, request: Request, at_ns: int) -> Exchange:
        await sleep_until_ns(at_ns)
        url = self._urls[request.instance] + request.path
        headers = [*request.identity.headers, *request.headers]
        if request.identity.kind == "ip":
            headers += self._people.speaks_from(request)
        plain = replace(request, delay_ms=0)
        sent = now_ns()
        asked = self._session.request(
            request.method, url, headers=headers, data=request.body.encode() or None, allow_redirects=False
        )
        try:
            async with asked as response:
                heard = now_ns()
                body = await _read(response.content)
                names = {name.lower(): ", ".join(response.headers.getall(name)) for name in response.headers}
                return Exchange(plain, _span(sent, heard), response.status, names, body)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Exchange(plain, _span(sent, now_ns()), None)

    def wait(self, duration_ms: int) -> None:
        """Let time pass, never less than asked."""
        self.waited_ms += duration_ms
        self._runner.run(sleep_until_ns(now_ns() + duration_ms * 1_000_000))

    def skew(self, offsets_ms: Sequence[int]) -> bool:
        """Say no: the clocks of running instances are not the judge's to set."""
        del offsets_ms
        return False

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._session.close())
        self._runner.close()


def heard_by(lane: Lane) -> Heard:
    """Who keeps a lane's answers until they are searched for secrets; nobody where nothing of it is the judge's."""
    return lane.secrets.answers.heard if lane.secrets else nobody


async def _read(content: aiohttp.StreamReader) -> bytes:
    """All of a body, up to `BODY_MAX_BYTES`: a single read is over with the first bytes that are there."""
    body = bytearray()
    while len(body) < BODY_MAX_BYTES and (some := await content.read(BODY_MAX_BYTES - len(body))):
        body += some
    return bytes(body)


def nobody(headers: Mapping[str, str], body: bytes) -> None:
    """Keep no answer."""
    del headers, body


async def _news() -> None:
    """Hear which connections ended while nobody listened, so that no request is sent into one of them."""
    for _ in range(NEWS_ROUNDS):
        await asyncio.sleep(0)


async def _open() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=ANSWER_S),
        headers={"User-Agent": "gatespec"},
    )


def _span(sent_ns: int, heard_ns: int) -> Span:
    """Bound the exchange outwards: what happened did so inside."""
    return Span(sent_ns // 1_000_000, -(-heard_ns // 1_000_000))
