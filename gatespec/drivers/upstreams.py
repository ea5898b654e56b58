"""Providers in process: they speak their own APIs, do as they are told, and keep a ledger by the virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from gatespec.checkers.calls import CLIENT_LEFT, IN_FLIGHT, OK
from gatespec.drivers.marks import Marks
from gatespec.drivers.moods import Mood, Moods
from gatespec.providers.dialect import Asking
from gatespec.providers.echoes import echoed
from gatespec.providers.script import Script
from gatespec.providers.simulator import Provider, house_credential
from gatespec.read_ports import PLAIN, SERIAL_BASE_CENTS, Declared, Upstream, UpstreamCall
from gatespec.stack.providers_file import Provider as Declaration
from gatespec.stack.providers_file import endpoints_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.clock import Clock
    from gatespec.providers.ledger import Kind
    from gatespec.read_ports import CallKind, Failing, Shape, UpstreamRequest

WHERE = "http://upstreams.invalid"
"""A name that no network has: whoever really connects fails."""
NO_JSON = b"<html>Service Temporarily Unavailable</html>"
STATUSES: Mapping[Failing, int] = {"status": 500, "unauthorized": 401, "forbidden": 403, "limited": 429}
HTTP_OK = 200
REFUSED = frozenset({401, 403})


@dataclass
class _Exchange:
    instance: int
    began: UpstreamCall
    ends_ms: int
    outcome: str

    def at(self, now_ms: int) -> UpstreamCall:
        """As the ledger shows it at that moment."""
        over = self.ends_ms <= now_ms
        return replace(self.began, ended_ms=self.ends_ms, outcome=self.outcome) if over else self.began


@dataclass
class _Played:
    """One provider: the API that it speaks, and how its endpoints are."""

    simulated: Provider
    moods: Moods
    echo: tuple[str, int] | None = None
    """In which form and with which status it says again what it was sent."""


class Upstreams:
    """Every provider of a component driver, and each request to them."""

    def __init__(self, clock: Clock, timeout_ms: int) -> None:
        """Where no driver says when it gave a request up, it did so `timeout_ms` after it began."""
        self._clock = clock
        self._timeout_ms = timeout_ms
        self._numbers = count(1)
        self._played: dict[str, _Played] = {}
        self._exchanges: list[_Exchange] = []
        self.marks = Marks()

    def fresh(self, wanted: int, shape: Shape = PLAIN) -> list[Declared]:
        """Bring providers that nobody asked yet."""
        return [self._declare(f"serial-{next(self._numbers)}", shape) for _ in range(wanted)]

    def _declare(self, name: str, shape: Shape) -> Declared:
        simulated = Provider(name, adapter=shape.adapter)
        if shape.adapter == PLAIN.adapter:
            simulated.rewrite({"serial_cents": SERIAL_BASE_CENTS})
        self._played[name] = _Played(simulated, Moods(len(shape.weights)))
        urls = endpoints_of(Declaration(name, shape), WHERE)
        return Declared(
            name,
            shape.adapter,
            tuple(zip(urls, shape.weights, strict=True)),
            shape.concurrency,
            shape.queue,
            shape.poll_s,
            shape.rate_per_s,
            house_credential(name, shape.adapter),
        )

    def echo(self, name: str, form: str, status: int) -> None:
        """Let its list answer with what it was sent; an empty form: no more."""
        self._played[name].echo = (form, status) if form else None

    def accept(self, name: str) -> None:
        """Let a provider accept what the marks say."""
        self._played[name].simulated.rewrite({"credentials": self.marks.accepted(name)})

    def behave(self, name: str, mood: Mood) -> None:
        """Let a provider's list answer so from now on, at every endpoint."""
        self._played[name].moods.set_all(mood)

    def behave_at(self, name: str, place: int, kind: CallKind, mood: Mood) -> None:
        """Let one endpoint answer requests of one kind so."""
        self._played[name].moods.set(place, kind, mood)

    def stock(self, name: str, items: Mapping[str, str], page_items: int | None) -> None:
        """Let a provider list these items from now on; what no script may hold is refused as on the wire."""
        script = Script(items=dict(items), page_size=page_items)
        told = {"items": script.items, "page_size": script.page_size, "serial_cents": None}
        self._played[name].simulated.rewrite(told)

    def ask(self, instance: int, provider: str, url: str, request: UpstreamRequest) -> Upstream:
        """Take a request that begins now into the ledger, and say what it will meet."""
        played, asking, place = self._played[provider], _asking(request), _place(url)
        kind = played.simulated.dialect.kind_of(asking)
        serial = played.simulated.next_serial(kind)
        mood = played.moods.of(place, "probe" if kind == "probe" else "list")
        mark = self.marks.of(provider, played.simulated.dialect.credential_of(asking))
        call = UpstreamCall(provider, serial, self._clock.now_ms(), None, "", place, credential=mark)
        status, body = _answer(played.simulated, asking, serial, mood.failing)
        number = self._begin(instance, call, kind, mood, refused=status in REFUSED)
        if mood.failing == "hang":
            return Upstream(number, None, None, b"")
        headers = {"retry-after": mood.retry_after} if mood.retry_after else {}
        if played.echo and kind == "list":
            status, body, headers = echoed(played.simulated.dialect.credential_of(asking), asking, *played.echo)
        return Upstream(number, mood.latency_ms, status, body, headers)

    def _begin(self, instance: int, call: UpstreamCall, kind: Kind, mood: Mood, *, refused: bool) -> int:
        left = mood.failing == "hang" or mood.latency_ms >= self._timeout_ms
        ends_ms = call.began_ms + (self._timeout_ms if left else mood.latency_ms)
        began = replace(call, outcome=IN_FLIGHT, kind=kind, instance=instance)  # type: ignore[arg-type]  # others are in no list asked for
        outcome = mood.failing or ("unauthorized" if refused else OK)
        self._exchanges.append(_Exchange(instance, began, ends_ms, CLIENT_LEFT if left else outcome))
        return len(self._exchanges) - 1

    def left(self, number: int) -> None:
        """Take note that a gateway gave a request up."""
        self._end(self._exchanges[number])

    def cut(self, instance: int) -> None:
        """End what a killed instance had in flight: its connections close with it."""
        for exchange in self._exchanges:
            if exchange.instance == instance:
                self._end(exchange)

    def _end(self, exchange: _Exchange) -> None:
        if exchange.ends_ms > (now := self._clock.now_ms()):
            exchange.ends_ms, exchange.outcome = now, CLIENT_LEFT

    def calls(self, providers: Sequence[str], kind: CallKind = "list") -> list[UpstreamCall]:
        """Their calls of a kind as of now, in order of arrival."""
        now, named = self._clock.now_ms(), set(providers)
        calls = (e.at(now) for e in self._exchanges if e.began.kind == kind and e.began.provider in named)
        return sorted(calls, key=lambda call: (call.began_ms, call.serial))

    def forget(self) -> None:
        """Begin a story: nobody asks for what was before it."""
        self._exchanges.clear()
        self._played.clear()
        self.marks.forget()


def _asking(request: UpstreamRequest) -> Asking:
    target = urlsplit(request.path)
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    return Asking(request.method, target.path, query, headers, request.body)


def _place(url: str) -> int:
    return int(url.rpartition("@")[2]) if "@" in url else 0


def _answer(provider: Provider, asking: Asking, serial: int, failing: Failing) -> tuple[int | None, bytes]:
    if failing in {"reset", "hang"}:
        return None, b""
    if failing == "undecodable":
        return HTTP_OK, NO_JSON
    if failing:
        return STATUSES[failing], provider.dialect.error(STATUSES[failing])
    return provider.answer(asking, serial)
