"""The hand-calculated tables of `spec/providers/`: what stands on each API's wire, and the offers that it means.

An oracle reads its expectation here, and nowhere calculates what an item means: only the price can be another, by the
table's own rule of where it stands and in which unit.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from gatespec.read_ports import Shape
from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_HEX_DIGITS = 16
MILLIONTH = Decimal("0.000001")
DIGITS = 60
"""More than any price needs, so that only `MILLIONTH` rounds."""
DRAWN_DIGITS, SMALLEST = 7, 10_000
"""One digit more than is shown, so that roundings differ; and no drawn price is so low that it would be shown as 0."""
WHOLE_MAX = 1_000_000
"""The highest whole price that is drawn: 10 000 USD in cents."""
POLL_S = 1.0
"""Between two polls of a story's provider: many in a story, and few beside what a sweep of a table takes."""
POLL_IN_PROCESS_S = 20.0
SPOT = "spot"
NOT_COMPARED = frozenset({"id", "provider", "nulls", "price_per_gpu_hour_exact", "price_per_hour_exact"})
MONEY = frozenset({"price_per_hour", "price_per_gpu_hour", "spot_price", "performance"})
"""Fields that a table has as decimals in text."""


@dataclass(frozen=True)
class Meant:
    """One offer as it must be shown, whatever its provider is called."""

    identity: tuple[str, str, str]
    """`provider_offer_id`, `provider_region` and `market`: with the provider's name they make its id."""
    fields: Mapping[str, Any]
    """By the contract's names, but for `id`, `provider`, `score` and `last_updated`; numbers are Decimals."""

    def id_at(self, provider: str) -> str:
        """The id of this offer at a provider of that name."""
        text = "\n".join((provider, *self.identity))
        return hashlib.sha256(text.encode()).hexdigest()[:ID_HEX_DIGITS]

    exact: Fraction
    """USD an hour of the whole machine, before any rounding."""

    def priced(self, usd: Fraction) -> Meant:
        """The same at another price of the whole machine."""
        shown = {"price_per_hour": money(usd), "price_per_gpu_hour": money(usd / self.gpus)}
        return replace(self, fields={**self.fields, **shown}, exact=usd)

    @property
    def gpus(self) -> int:
        """How many."""
        return int(self.fields["gpu_count"])


@dataclass(frozen=True)
class Listed:
    """One item as a provider lists it, and what it means."""

    key: str
    document: str
    wire: str
    means: tuple[Meant, ...] = ()
    left_out: int = 0
    """How many malformed or unknown things it counts."""
    unknown_gpu: bool = False
    """Left out for its GPU alone: whoever shows it under a name of his own is not wrong."""


@dataclass(frozen=True)
class PriceRule:
    """Where an item's price stands on the wire, and what it is there."""

    at: tuple[str, ...]
    """The names that lead to it."""
    usd: Fraction
    """US dollars that 1 means."""
    per_gpu: bool
    """Whether it is one GPU's; else it is the whole machine's."""
    text: bool
    """Whether it is a decimal in text; else it is a number."""
    whole: bool
    """Whether it has no decimals."""
    plus: bool
    """Whether something else of the item is added to it."""
    market: str
    """Whose offers have it."""
    no_price: tuple[str, ...]
    """What stands there and is no price: JSON texts, each of which leaves the item out, and counts once."""

    def of(self, drawn: int) -> str:
        """A number of 0 or more as a price in JSON: in whole ones from 1 on, else with one digit more than is shown."""
        amount = str(drawn % WHOLE_MAX + 1) if self.whole else f"{Decimal(drawn + SMALLEST).scaleb(-DRAWN_DIGITS):f}"
        return json.dumps(amount) if self.text else amount

    def usd_of(self, wire: str, gpus: int) -> Fraction:
        """What the JSON text of a price means for the whole machine."""
        return Fraction(wire.strip('"')) * self.usd * (gpus if self.per_gpu else 1)


@dataclass(frozen=True)
class HandTable:
    """One adapter's."""

    adapter: str
    documents: tuple[str, ...]
    """In the order in which a whole list reads them; one where the API has no name for it."""
    auxiliary: tuple[Listed, ...]
    """What is served beside every item."""
    items: tuple[Listed, ...]
    price: PriceRule | None
    later_wins: bool
    """Whether the table says which of two items of one identity counts."""
    spot_of_the_list: bool
    """Whether an offer shows the price of the spot offer of its identity, from wherever in the list."""
    paged: bool
    """Whether a document may come in pages."""
    polled: bool
    """Whether no read waits for its list: only a poller calls."""

    def repriced(self, item: Listed, wire_price: str, suffix: str = "") -> Listed:
        """The item with another price on the wire; as it was, where the table's rule does not reach its price."""
        rule = self.price
        if rule is None or not (old := _price_in(item.wire, rule)):
            return item
        priced = [meant for meant in item.means if meant.identity[2] == rule.market]
        if not priced or any(not _has_price(meant, old, rule) for meant in priced):
            return item
        wire, found = re.subn(_pattern(rule.at[-1], old), lambda m: m[1] + wire_price, item.wire)
        if found != 1:
            return item
        changed = replace(item, key=item.key + suffix, wire=wire)
        if wire_price in rule.no_price:
            return replace(changed, means=(), left_out=1)
        return replace(changed, means=tuple(_repriced(each, old, wire_price, rule) for each in item.means))


def _repriced(meant: Meant, old: str, new: str, rule: PriceRule) -> Meant:
    if meant.identity[2] != rule.market:
        return meant
    return meant.priced(meant.exact - rule.usd_of(old, meant.gpus) + rule.usd_of(new, meant.gpus))


def _has_price(meant: Meant, wire: str, rule: PriceRule) -> bool:
    """Whether this is its price, and no other that stands elsewhere in the item."""
    return rule.plus or rule.usd_of(wire, meant.gpus) == meant.exact


def _price_in(wire: str, rule: PriceRule) -> str:
    """The JSON text of an item's price; empty where there is none of the table's kind."""
    found: Any = json.loads(wire, parse_float=_Text, parse_int=_Text)
    for name in rule.at:
        found = found.get(name) if isinstance(found, dict) else None
    if rule.text:
        return json.dumps(found) if type(found) is str else ""
    return found if isinstance(found, _Text) else ""


class _Text(str):
    """A number as its own characters."""

    __slots__ = ()


def _pattern(name: str, old: str) -> str:
    return rf"({re.escape(json.dumps(name))}\s*:\s*){re.escape(old)}(?![0-9.eE])"


def money(usd: Fraction) -> Decimal:
    """US dollars as they are shown: rounded once, half-even, to 6 decimals."""
    with localcontext() as context:
        context.prec = DIGITS
        exact = Decimal(usd.numerator) / Decimal(usd.denominator)
        return exact.quantize(MILLIONTH, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Stock:
    """All that a provider lists, in order, but for what its table always serves beside."""

    table: HandTable
    listed: tuple[Listed, ...]

    def items(self) -> dict[str, str]:
        """By the keys under which a simulator is told them."""
        several = len(self.table.documents) > 1
        every = (*self.table.auxiliary, *self.listed)
        return {f"{item.document}/{item.key}" if several else item.key: item.wire for item in every}

    @property
    def left_out(self) -> int:
        """How many malformed or unknown things one call counts."""
        return sum(item.left_out for item in self.listed)

    @property
    def unknown_gpus(self) -> int:
        """How many of those are items whose GPU nobody knows."""
        return sum(item.left_out for item in self.listed if item.unknown_gpu)

    def in_order(self) -> list[Listed]:
        """As a whole list reads them: document by document."""
        return sorted(self.listed, key=lambda item: self.table.documents.index(item.document))

    def offers_at(self, provider: str) -> dict[str, list[Meant]]:
        """What may be shown under each id, each once: alternatives where the table leaves open which of two counts."""
        found: dict[str, list[Meant]] = {}
        for item in self.in_order():
            for meant in item.means:
                before = [] if self.table.later_wins else found.get(meant.id_at(provider), [])
                found[meant.id_at(provider)] = [*before, meant]
        return self._with_spot_prices(found) if self.table.spot_of_the_list else found

    def _with_spot_prices(self, found: dict[str, list[Meant]]) -> dict[str, list[Meant]]:
        spot = {m.identity[:2]: m.fields["price_per_hour"] for (*_, m) in found.values() if m.identity[2] == SPOT}
        return {name: [_with_spot_price(m, spot) for m in meant] for name, meant in found.items()}


def _with_spot_price(meant: Meant, spot: Mapping[tuple[str, str], Decimal]) -> Meant:
    if meant.identity[2] == SPOT:
        return meant
    return replace(meant, fields={**meant.fields, "spot_price": spot.get(meant.identity[:2])})


def shape_of(adapter: str, *, in_process: bool = False) -> Shape:
    """How a provider of an adapter is declared, so that a story reads it soon: a polled one is polled often.

    In process its first poll is at once, and time passes for nothing, but for what is polled meanwhile.
    """
    table = hand_tables().get(adapter)
    poll_s = POLL_IN_PROCESS_S if in_process else POLL_S
    return Shape(adapter, poll_s=poll_s) if table and table.polled else Shape(adapter)


@cache
def hand_tables() -> Mapping[str, HandTable]:
    """Every table by its adapter."""
    files = sorted((spec_dir() / "providers").glob("*.toml"))
    read = (tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal) for file in files)
    return {table["adapter"]: _table(table) for table in read}


def _table(told: Mapping[str, Any]) -> HandTable:
    documents = dict(told.get("documents", {}))
    auxiliary = documents.pop("auxiliary", [])
    names = tuple(documents) or ("",)
    items = [_listed(row, names[0]) for row in told["item"]]
    return HandTable(
        told["adapter"],
        names,
        tuple(item for item in items if item.document in auxiliary),
        tuple(item for item in items if item.document not in auxiliary),
        _price_rule(told["price"]) if "price" in told else None,
        later_wins="repeated" in told.get("pages", {}),
        spot_of_the_list="in the same list" in told["rules"]["spot_price"],
        paged="next" in told.get("pages", {}),
        polled=bool(told.get("swept", False)),
    )


def _price_rule(told: Mapping[str, Any]) -> PriceRule:
    return PriceRule(
        tuple(told["at"].split(".")),
        Fraction(told["usd"]),
        told["per_gpu"],
        told["text"],
        told["whole"],
        told.get("plus", False),
        told.get("market", "on_demand"),
        tuple(told["no_price"]),
    )


def _listed(row: Mapping[str, Any], document: str) -> Listed:
    means = tuple(_meant(offer) for offer in row["offer"])
    unknown_gpu = bool(row.get("unknown_gpu", False))
    return Listed(_key(row), row.get("document", document), row["wire"].strip(), means, row["left_out"], unknown_gpu)


def _key(row: Mapping[str, Any]) -> str:
    """An answer to one question of many says in its key which: as the simulators have it, cloud, place and count."""
    asked = row.get("asked")
    if asked is None:
        return str(row["key"])
    place = asked.get("dataCenterId", asked.get("countryCode"))
    return f"{'secure' if asked['secureCloud'] else 'community'}/{place}/{asked['gpuCount']}/{row['key']}"


def _meant(offer: Mapping[str, Any]) -> Meant:
    identity = (offer["provider_offer_id"], offer["provider_region"], offer["market"])
    shown = {name: _value(name, value) for name, value in offer.items() if name not in NOT_COMPARED}
    shown.pop("spot_price_exact", None)
    exact = Fraction(offer["price_per_gpu_hour_exact"]) * offer["gpu_count"]
    return Meant(identity, {**shown, **dict.fromkeys(offer["nulls"])}, exact)


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - TOML
    if name in MONEY:
        return Decimal(value)
    if isinstance(value, list):
        return tuple(value)
    return Decimal(value) if isinstance(value, int) else value
