"""One simulated provider: its prices, its script, and what it would answer. No wire here, and no clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from gatespec.providers import lambda_cloud
from gatespec.providers.catalogue import LAMBDA_SERIES, machines, reprice
from gatespec.providers.prices import price_book
from gatespec.providers.script import Fault, PricesRequest, Script

if TYPE_CHECKING:
    from gatespec.providers.ledger import Kind

FIRST_DAY = date(2026, 7, 18)
"""Where replays begin unless told: the first day with every GPU that Lambda rents; 35 more days follow."""

SERIAL_MACHINE = "gpu_1x_h100_pcie"
"""What a provider with serial prices rents, in one region: one machine is one offer."""

Answer = tuple[int, bytes]
"""Status and JSON body."""


class UnknownPrices(ValueError):  # noqa: N818 - it says what is unknown
    """A series, day or machine that the data does not have; the message names the field."""


@dataclass
class Provider:
    """One provider's state; the server's event loop is its only owner."""

    name: str
    series: str = LAMBDA_SERIES
    day: date = FIRST_DAY
    cents: dict[str, int] = field(default_factory=dict)
    """Prices that override the data's."""
    script: Script = field(default_factory=Script)
    _used: list[int] = field(default_factory=list)
    """How often each fault of the script was played."""
    _list_calls: int = 0
    """How many arrived, all told: no script makes the next one the first again."""
    _body: bytes | None = None
    """The list as served, until something changes."""

    def rewrite(self, changes: dict[str, Any]) -> None:
        """Take over the fields given; new faults begin unused."""
        self.script = self.script.model_copy(update=changes)
        if "faults" in changes:
            self._used = [0] * len(self.script.faults)
        self._body = None

    def forget(self) -> None:
        """Behave as on the first day; prices stay."""
        self.rewrite({name: getattr(Script(), name) for name in Script.model_fields})

    def copy(self) -> Provider:
        """A provider of the same state, to try a change on."""
        return replace(self, cents=dict(self.cents), _used=list(self._used))

    def next_serial(self, kind: Kind) -> int:
        """Count a list call that arrives; 0 for any other."""
        self._list_calls += kind == "list"
        return self._list_calls if kind == "list" else 0

    def next_fault(self, kind: Kind, endpoint: str) -> Fault | None:
        """The first fault that applies and is not used up; it counts as played."""
        for number, fault in enumerate(self.script.faults):
            fits = fault.applies_to in {"any", kind} and fault.endpoint in {None, endpoint}
            if fits and (fault.times is None or self._used[number] < fault.times):
                self._used[number] += 1
                return fault
        return None

    def faults_left(self) -> list[int | None]:
        """How often each fault will still be played; None: for ever."""
        return [
            None if fault.times is None else fault.times - used
            for fault, used in zip(self.script.faults, self._used, strict=True)
        ]

    def latency_ms(self, endpoint: str) -> int:
        """How long an answer is held back."""
        return self.script.endpoint_latency_ms.get(endpoint, self.script.latency_ms)

    def answer(self, method: str, path: str, credential: str, serial: int = 0) -> Answer:
        """What the API says when nothing is scripted to fail, to the list call of that number."""
        if credential not in self._accepted():
            return lambda_cloud.refusal("unauthorized")
        if self.script.inactive:
            return lambda_cloud.refusal("inactive")
        known = lambda_cloud.table()
        if method == "GET" and path == known["list_path"]:
            return 200, self.list_body(serial)
        if method == "GET" and path == known["probe_path"]:
            return 200, lambda_cloud.images_body()
        if method == "GET" and path == known["regions_path"]:
            return 200, lambda_cloud.regions_body()
        return lambda_cloud.refusal("not_found")

    def list_body(self, serial: int = 0) -> bytes:
        """The whole list, made once per change, or per call where prices are serial."""
        if self.script.serial_cents is not None:
            return lambda_cloud.list_body(self._serial_items(self.script.serial_cents + serial))
        if self._body is None:
            self._body = lambda_cloud.list_body(self._items())
        return self._body

    def prices(self) -> dict[str, int]:
        """Cents of every machine for rent now, overrides included."""
        return {
            machine.name: self.cents.get(machine.name, machine.cents) for machine in machines(self.series, self.day)
        }

    def set_prices(self, asked: PricesRequest) -> None:
        """Change series, day and overrides together or, raising `UnknownPrices`, not at all."""
        series = asked.series or self.series
        day = opening_day(series, asked.day or str(self.day), asked.advance)
        cents = {name: price for name, price in {**self.cents, **asked.cents}.items() if price is not None}
        unknown = set(asked.cents) - {machine.name for machine in machines(series, day)}
        if unknown:
            raise UnknownPrices(f"cents: {self.name} has no machine {min(unknown)!r} on {day}")
        self.series, self.day, self.cents, self._body = series, day, cents, None

    def _accepted(self) -> list[str]:
        return self.script.credentials or [lambda_cloud.table()["development_credential"]]

    def _serial_items(self, cents: int) -> dict[str, str]:
        (machine,) = (m for m in machines(LAMBDA_SERIES, FIRST_DAY) if m.name == SERIAL_MACHINE)
        one_place = replace(machine, cents=cents, regions=machine.regions[:1])
        return lambda_cloud.items([one_place], ())

    def _items(self) -> dict[str, str]:
        if self.script.items is not None:
            return {**self.script.items, **self.script.inject}
        repriced = (reprice(machine, self.cents.get(machine.name)) for machine in machines(self.series, self.day))
        return {**lambda_cloud.items(repriced, self.script.without_capacity), **self.script.inject}


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
