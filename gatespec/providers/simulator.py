"""One simulated provider: its prices, its script, and what it would answer. No wire here, and no clock."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gatespec.providers.catalogue import LAMBDA_SERIES, machines, reprice
from gatespec.providers.dialects import DIALECTS
from gatespec.providers.prices import price_book
from gatespec.providers.script import Fault, PricesRequest, Script
from gatespec.providers.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Answer, Asking, Dialect
    from gatespec.providers.ledger import Kind

FIRST_DAY = date(2026, 7, 18)
"""Where replays begin unless told: the first day with every GPU that Lambda rents; 35 more days follow."""

_H100 = next(m for m in machines(LAMBDA_SERIES, FIRST_DAY) if m.name == "gpu_1x_h100_pcie")
SERIAL_MACHINE = replace(_H100, regions=_H100.regions[:1])
"""What a provider with serial prices rents, in one region: one machine is one offer."""


class UnknownPrices(ValueError):  # noqa: N818 - it says what is unknown
    """A series, day or machine that the data does not have; the message names the field."""


class Unplayable(ValueError):  # noqa: N818 - it says what cannot be played
    """A script that the API has no means to play; the message names the field."""


_NEEDS: Mapping[str, tuple[Callable[[Dialect], bool], str]] = {
    "page_size": (lambda api: api.paged, "its list has no pages"),
    "serial_cents": (lambda api: api.one_request, "its list takes several requests, and no price can name one of them"),
    "token_lifetime_s": (lambda api: api.sells_tokens, "it sells no tokens"),
    "tokens_end_after": (lambda api: api.sells_tokens, "it sells no tokens"),
    "rate_left": (lambda api: bool(api.headers(Script(), 0)), "it does not tell its rate"),
}
"""What of a script not every API can play, and why where it cannot."""


@dataclass
class Provider:
    """One provider's state; the server's event loop is its only owner."""

    name: str
    series: str = LAMBDA_SERIES
    day: date = FIRST_DAY
    adapter: str = "lambda"
    """Whose API it speaks."""
    usd: dict[str, Decimal] = field(default_factory=dict)
    """Prices of whole machines that override the data's."""
    script: Script = field(default_factory=Script)
    tokens: Tokens = field(init=False)
    """Where the API sells them."""
    _met: list[int] = field(default_factory=list)
    """How many requests each fault of the script applied to, those included that it let pass."""
    _list_calls: int = 0
    """How many arrived, all told: no script makes the next one the first again."""
    _items: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """The list by document, until something changes."""

    def __post_init__(self) -> None:
        """Sell tokens of its own, a copy too."""
        self.tokens = Tokens(self.name)

    def rewrite(self, changes: dict[str, Any]) -> None:
        """Take over the fields given; new faults begin unused. Raise `Unplayable`, nothing being changed."""
        self.check(changes)
        self.script = self.script.model_copy(update=changes)
        if "faults" in changes:
            self._met = [0] * len(self.script.faults)
        if "tokens_end_after" in changes:
            self.tokens.end_after(self.script.tokens_end_after)
        self._items = {}

    def check(self, changes: Mapping[str, Any]) -> None:
        """Raise `Unplayable` for what would change nothing here: a script that does not bite proves nothing."""
        for name, (has, without) in _NEEDS.items():
            if changes.get(name) is not None and not has(self.dialect):
                raise Unplayable(f"{name}: {self.name} speaks {self.adapter}: {without}")

    def forget(self) -> None:
        """Behave as on the first day; prices stay."""
        self.rewrite({name: getattr(Script(), name) for name in Script.model_fields})

    def copy(self) -> Provider:
        """A provider of the same state, to try a change on."""
        return replace(self, usd=dict(self.usd), _met=list(self._met))

    def next_serial(self, kind: Kind) -> int:
        """Count a list call that arrives; 0 for any other."""
        self._list_calls += kind == "list"
        return self._list_calls if kind == "list" else 0

    def next_fault(self, kind: Kind, endpoint: str) -> Fault | None:
        """The first fault that applies, lets no more requests pass and is not used up; it counts as played."""
        for number, fault in enumerate(self.script.faults):
            if fault.applies_to not in {"any", kind} or fault.endpoint not in {None, endpoint}:
                continue
            played = self._met[number] - fault.after
            if fault.times is None or played < fault.times:
                self._met[number] += 1
                if played >= 0:
                    return fault
        return None

    def faults_left(self) -> list[int | None]:
        """How often each fault will still be played; None: for ever."""
        return [
            None if fault.times is None else fault.times - max(0, met - fault.after)
            for fault, met in zip(self.script.faults, self._met, strict=True)
        ]

    def latency_ms(self, endpoint: str) -> int:
        """How long an answer is held back."""
        return self.script.endpoint_latency_ms.get(endpoint, self.script.latency_ms)

    @property
    def dialect(self) -> Dialect:
        """The API that it speaks."""
        return DIALECTS[self.adapter]

    def answer(self, asking: Asking, serial: int = 0) -> Answer:
        """What the API says when nothing is scripted to fail, to the list call of that number."""
        return self.dialect.answer(self, asking, serial)

    def items(self, document: str, serial: int = 0) -> list[tuple[str, str]]:
        """What a document lists by key, in order: JSON texts, made once per change, or per call with serial prices."""
        if self.script.serial_cents is not None:
            priced = Decimal(self.script.serial_cents + serial) / 100
            return list(self.dialect.items([replace(SERIAL_MACHINE, usd=priced)], ())[document].items())
        if not self._items:
            self._items = {name: list(items.items()) for name, items in self._all_items().items()}
        return self._items[document]

    def _all_items(self) -> dict[str, dict[str, str]]:
        if self.script.items is not None:
            return self._placed(self.dialect.items((), ()), {**self.script.items, **self.script.inject})
        repriced = (reprice(machine, self.usd.get(machine.name)) for machine in machines(self.series, self.day))
        return self._placed(self.dialect.items(repriced, self.script.without_capacity), self.script.inject)

    def _placed(self, found: dict[str, dict[str, str]], more: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Add scripted items: each to the document before the slash in its key, else to the first.

        A scripted whole list replaces what it has items of: an auxiliary document that it says nothing of stays.
        """
        placed: dict[str, dict[str, str]] = {}
        for key, text in more.items():
            document, slash, rest = key.partition("/")
            named = bool(slash) and document in found
            placed.setdefault(document if named else next(iter(found)), {})[rest if named else key] = text
        for document, items in placed.items():
            found[document] = items if self.script.items is not None else {**found[document], **items}
        return found

    def prices(self) -> dict[str, Decimal]:
        """USD of every machine for rent now, overrides included."""
        return {machine.name: self.usd.get(machine.name, machine.usd) for machine in machines(self.series, self.day)}

    def set_prices(self, asked: PricesRequest) -> None:
        """Change series, day and overrides together or, raising `UnknownPrices`, not at all."""
        series = asked.series or self.series
        day = opening_day(series, asked.day or str(self.day), asked.advance)
        changes, rented = asked.changes(), machines(series, day)
        unknown = set(changes) - {machine.name for machine in rented}
        if unknown:
            field_name = "cents" if min(unknown) in asked.cents else "usd"
            raise UnknownPrices(f"{field_name}: {self.name} has no machine {min(unknown)!r} on {day}")
        if self.dialect.one_price_per_gpu:
            changes = _for_all_of_the_gpu(changes, rented)
        usd = {name: price for name, price in {**self.usd, **changes}.items() if price is not None}
        self.series, self.day, self.usd, self._items = series, day, usd, {}

    def accepts(self, credential: str, development: str) -> bool:
        """Whether a credential is good: the scripted ones, else any of the house's and the table's for development."""
        if self.script.credentials is not None:
            return credential in self.script.credentials
        return credential == development or credential.startswith(house_prefix(self.name))


def _for_all_of_the_gpu(changes: Mapping[str, Decimal | None], rented: Sequence[Machine]) -> dict[str, Decimal | None]:
    """A machine's price as that of every machine with its GPU, by their number of it."""
    by_name, found = {machine.name: machine for machine in rented}, dict(changes)
    for name, usd in changes.items():
        priced = by_name[name]
        for machine in (machine for machine in rented if machine.gpu == priced.gpu):
            price = None if usd is None else usd / priced.gpus * machine.gpus
            if changes.get(machine.name, price) != price:
                raise UnknownPrices(f"usd: {name} and {machine.name} have one GPU, which has one price")
            found[machine.name] = price
    return found


def house_prefix(name: str) -> str:
    """How every credential of the house's for this provider begins; what follows is the judge's to draw."""
    return f"gs-{name}."


def house_credential(name: str, adapter: str) -> Mapping[str, str]:
    """Draw a credential that this provider alone accepts; of several fields the last is the secret."""
    fields = dict(DIALECTS[adapter].development_credential())
    return {**fields, list(fields)[-1]: f"{house_prefix(name)}{secrets.token_hex(16)}"}


def default_opening(adapter: str) -> tuple[str, date]:
    """An API's own series, on the first of its days from `FIRST_DAY` on."""
    series = DIALECTS[adapter].series
    return series, next(day for day in price_book().days(series) if day >= FIRST_DAY)


def opening_day(series: str, asked: str, advance: int = 0) -> date:
    """The day that lies `advance` of the series' own days after `asked`; raise `UnknownPrices` where it has none."""
    if series not in price_book().series:
        raise UnknownPrices(f"series: the data has no {series!r}; it has {', '.join(sorted(price_book().series))}")
    days = price_book().days(series)
    start = _parsed(asked)
    if start not in days:
        raise UnknownPrices(f"day: {series} has no prices on {start}; it has them from {days[0]} to {days[-1]}")
    reached = days.index(start) + advance
    if reached >= len(days):
        raise UnknownPrices(
            f"advance: {series} ends on {days[-1]}, {len(days) - 1 - days.index(start)} days after {start}"
        )
    return days[reached]


def _parsed(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UnknownPrices(f"day: {text} is no day: {error}") from error
