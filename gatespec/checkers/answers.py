"""What an answer to a read shows of each provider that it names: from which call its price is, and which warning."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from gatespec.read_ports import SERIAL_BASE_CENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatespec.history import Example
    from gatespec.ports import Exchange, Request

READ_PATH = "/api/v2/providers"
STALE = "stale"
LEFT_OUT = frozenset({"unavailable", "timeout", "breaker-open", "no-credential", "overloaded"})
"""Codes of warnings about a provider of which nothing is shown."""
SHOWN = 200
NOTHING_KNOWN = frozenset({503, 504})


class Malformed(Exception):  # noqa: N818 - it becomes a breach, not an error of the judge
    """An answer from which cannot be read what it shows; says why."""


@dataclass(frozen=True)
class Shown:
    """What one answer says of one provider."""

    serial: int | None = None
    """Which of its list calls the price is from; None where no offer of it is shown."""
    warning: str | None = None
    as_of: datetime | None = None
    """What the warning says of the age of what is shown."""

    @property
    def is_fresh(self) -> bool:
        """Shown, and with no word that it is not as it is now."""
        return self.serial is not None and self.warning is None

    @property
    def is_stale(self) -> bool:
        """Shown and marked."""
        return self.serial is not None and self.warning == STALE

    @property
    def words(self) -> str:
        """As a breach names it."""
        if self.serial is None:
            return f"left out with {self.warning}" if self.warning else "left out without a word"
        return f"{'stale' if self.warning == STALE else self.warning or 'fresh'}, of its call {self.serial}"


@dataclass(frozen=True)
class Read:
    """A read that was answered, by its place in the example."""

    place: int
    exchange: Exchange
    asked: tuple[str, ...]
    shown: Mapping[str, Shown] = field(default_factory=dict)
    """Of every provider asked; empty where the status says that nothing is known, or is another."""
    fault: str = ""
    """Why the answer could not be read; empty where it could."""
    edge_ms: int = 0
    """By how much its span is rounded outwards, at each end."""

    def is_before(self, other: Read) -> bool:
        """Whether it surely was answered before the other was sent; in process within one ms nobody can tell."""
        return self.heard_ms - self.edge_ms < other.sent_ms + other.edge_ms

    def is_alone(self, provider: str, reads: Iterable[Read]) -> bool:
        """Whether none of the others that name the provider was under way while it was."""
        others = (other for other in reads if provider in other.asked and other.place != self.place)
        return all(self.is_before(other) or other.is_before(self) for other in others)

    @property
    def sent_ms(self) -> int:
        """The beginning of its span."""
        return self.exchange.span.sent_ms

    @property
    def heard_ms(self) -> int:
        """The end of its span."""
        return self.exchange.span.heard_ms

    @property
    def took_ms(self) -> int:
        """The length of its span."""
        return self.heard_ms - self.sent_ms

    @property
    def nothing_known(self) -> bool:
        """Whether it says that nothing is known of any provider asked."""
        return self.exchange.status in NOTHING_KNOWN

    def of(self, provider: str) -> Shown:
        """What it says of one provider."""
        return self.shown.get(provider, Shown())


def providers_of(request: Request) -> tuple[str, ...]:
    """The providers that a read names; empty for a request that is no read of named providers."""
    target = urlsplit(request.path)
    if request.method != "GET" or target.path != READ_PATH:
        return ()
    return tuple(dict.fromkeys(value for name, value in parse_qsl(target.query) if name == "provider"))


def reads_of(example: Example, since: int = 0) -> Iterator[Read]:
    """The reads of a story from this place on, as far as an answer came."""
    edge_ms = 0 if example.context.tier == "component" else 1
    for place, exchange in enumerate(example.exchanges[since:], since):
        asked = providers_of(exchange.request)
        if asked and exchange.status is not None:
            shown, fault = _shown(exchange, asked)
            yield Read(place, exchange, asked, shown, fault, edge_ms)


def _shown(exchange: Exchange, asked: tuple[str, ...]) -> tuple[Mapping[str, Shown], str]:
    if exchange.status != SHOWN:
        return {}, ""
    try:
        shown = read_body(exchange.body)
    except Malformed as malformed:
        return {}, str(malformed)
    foreign = sorted(shown.keys() - set(asked))
    return shown, f"the answer speaks of {foreign[0]!r:.60}, which was not asked" if foreign else ""


def read_body(body: bytes) -> dict[str, Shown]:
    """What the list says of each provider that it names; raise `Malformed` where that cannot be told."""
    try:
        told: Any = json.loads(body, parse_float=Decimal)
        serials = _serials(told["items"])
        warnings = _warnings(told["warnings"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed(f"the body is no list of offers with warnings: {error!r:.80}") from error
    return {name: Shown(serials.get(name), *warnings.get(name, ())) for name in serials.keys() | warnings.keys()}


def _warnings(told: Any) -> dict[str, tuple[str, datetime | None]]:  # noqa: ANN401 - JSON that was not checked yet
    """The one of each provider; of several the one that marks what is shown, for others may say why it is old."""
    warnings: dict[str, tuple[str, datetime | None]] = {}
    for one in told:
        said = one["code"], moment(one["as_of"])
        if one["code"] == STALE or one["provider"] not in warnings:
            warnings[one["provider"]] = said
    return warnings


def _serials(items: Any) -> dict[str, int]:  # noqa: ANN401 - JSON that was not checked yet
    serials: dict[str, int] = {}
    for item in items:
        name, serial = item["provider"], serial_of(item["price_per_hour"])
        if serials.setdefault(name, serial) != serial:
            raise Malformed(f"{name} is shown with prices of its calls {serials[name]} and {serial}")
    return serials


def serial_of(price: Any) -> int:  # noqa: ANN401 - JSON that was not checked yet
    """Which list call of its provider a price is from; raise `Malformed` where no call ever said it."""
    try:
        cents = Decimal(price) * 100
    except (InvalidOperation, TypeError) as error:
        raise Malformed(f"{price!r:.40} is no price") from error
    if cents != int(cents) or cents <= SERIAL_BASE_CENTS:
        raise Malformed(f"no call of this provider ever said a price of {price}")
    return int(cents) - SERIAL_BASE_CENTS


def moment(text: Any) -> datetime | None:  # noqa: ANN401 - JSON that was not checked yet
    """An RFC 3339 moment in UTC, or None; raise ValueError or TypeError for anything else."""
    if text is None:
        return None
    told = datetime.fromisoformat(text)
    if told.utcoffset() != timedelta(0):
        raise ValueError(f"{text!r:.40} is not in UTC")
    return told
