"""A right gateway for offers in few lines, apart from the reference: Lambda's list becomes offers, filters, pages.

What it keeps, fetches and expires is the little read path's; here every rule of what an item means, and of what a query
keeps, is one overridable line.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.engine.little_parts import Instance, Part
from tests.engine.little_reads import LittleReads
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatespec.read_ports import Asked, Upstream
    from tests.engine.virtual_tasks import Task

SPEC = Path(__file__).parents[2] / "spec"
GPUS = tomllib.loads((SPEC / "gpus.toml").read_text())["gpu"]
REGIONS = next(
    row["regions"]
    for row in tomllib.loads((SPEC / "regions.toml").read_text())["provider"]
    if row["adapter"] == "lambda"
)
MILLIONTH = Decimal("0.000001")
SCALE = 10**6

NO_GPU: Mapping[str, Any] = {"name": "", "family": "", "memory_gb": 0, "fp16_tflops": "0"}

Offer = dict[str, Any]
Query = dict[str, list[str]]


class Malformed(Exception):  # noqa: N818 - it is the item's state
    """An item, or a part of one, that means nothing."""


class Unknown(Exception):  # noqa: N818 - it is the question's state
    """A word in a query that means nothing."""


def same(spelling: str) -> str:
    return spelling.lower().replace("-", " ").replace("_", " ")


def need(value: Any, kind: type[Any], *, least: int | None = None) -> Any:  # noqa: ANN401 - JSON
    """A value of exactly this type, and not below `least`."""
    if type(value) is not kind or (least is not None and value < least):
        raise Malformed
    return value


def money(amount: Fraction) -> Decimal:
    """Rounded once, half-even, to 6 decimals; exact, for no price here has more than 40 digits."""
    return Decimal(round(amount * SCALE)).scaleb(-6)


class LittleOffers(LittleReads):
    """A component driver whose offers are right."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.lists: list[list[Offer]] = []
        """Every list that was heard: an entry's `cents` here are the place of its list."""
        self.snapshots: dict[str, tuple[list[Offer], list[dict[str, Any]]]] = {}

    # What an item means.

    def heard(self, name: str, met: Upstream) -> int | None:
        if met.status != 200:
            return None
        try:
            items = list(json.loads(met.body, parse_float=Decimal)["data"].values())
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        self.lists.append(self.merge([offer for item in items for offer in self.read_item(name, item)]))
        return len(self.lists) - 1

    def read_item(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        try:
            kind = need(item, dict)["instance_type"]
            regions = need(item["regions_with_capacity_available"], list)
            made = self.machine(kind)
        except (Malformed, KeyError, TypeError):
            return self.malformed(name, item)
        return [offer for place in regions for offer in self.placed(name, made, place)] if made["gpu_count"] else []

    def malformed(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        """What comes of an item that means nothing."""
        del name, item
        return []

    def machine(self, kind: Any) -> Offer:  # noqa: ANN401 - JSON
        specs = kind["specs"]
        count = need(specs["gpus"], int, least=0)
        usd = self.usd(need(kind["price_cents_per_hour"], int, least=1), count)
        described = need(kind["gpu_description"], str)
        gpu = self.gpu(described) if count else NO_GPU
        if not need(kind["name"], str):
            raise Malformed
        return {
            "provider_offer_id": kind["name"],
            "name": need(kind["description"], str),
            "gpu_type": gpu["name"],
            "gpu_family": gpu["family"],
            "gpu_count": count,
            "gpu_memory_gb": self.memory(described, gpu, count),
            "vcpus": need(specs["vcpus"], int, least=1),
            "ram_gb": need(specs["memory_gib"], int, least=1),
            "storage_gb": need(specs["storage_gib"], int, least=1),
            "price_per_hour": self.shown(usd),
            "price_per_gpu_hour": self.shown(usd / max(1, count)),
            "spot_price": None,
            "currency": "USD",
            "market": "on_demand",
            "availability": "available",
            "compliance_tags": [],
            "performance": count * Decimal(gpu["fp16_tflops"]),
        }

    def usd(self, cents: int, count: int) -> Fraction:
        """The whole machine's price: the wire has the whole machine's, in cents."""
        del count
        return Fraction(cents, 100)

    def shown(self, usd: Fraction) -> Decimal:
        return money(usd)

    def memory(self, described: str, gpu: Mapping[str, Any], count: int) -> int:
        """Of one GPU, as the description has it."""
        del count
        number = described.partition(" GB")[0].rpartition("(")[2]
        return int(number) if number.isdigit() else int(gpu["memory_gb"])

    def gpu(self, described: str) -> Mapping[str, Any]:
        for row in GPUS:
            if same(described) in map(same, (row["name"], *row["aliases"])):
                return dict(row)
        return self.unknown_gpu(described)

    def unknown_gpu(self, described: str) -> Mapping[str, Any]:
        del described
        raise Malformed

    def placed(self, provider: str, made: Offer, place: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        name = place.get("name") if isinstance(place, dict) else None
        if type(name) is not str or name not in REGIONS:
            return []
        where = {"region": REGIONS[name]["region"], "provider_region": name, "country": REGIONS[name]["country"]}
        offer = {**made, "provider": provider, **where, "last_updated": self.moment(self.now)}
        text = "\n".join(offer[part] for part in self.identity)
        return [{**offer, "id": hashlib.sha256(text.encode()).hexdigest()[:16]}]

    identity: tuple[str, ...] = ("provider", "provider_offer_id", "provider_region", "market")

    def merge(self, offers: list[Offer]) -> list[Offer]:
        """Each id once, the later wins."""
        return list({offer["id"]: offer for offer in offers}.values())

    # What a query keeps.

    def answer(self, instance: Instance, asked: Asked) -> Task:
        query = self.query(asked.path)
        try:
            wanted = [word for text in query.get("gpu_type", []) for word in self.models(text)]
        except Unknown:
            self.say(asked, 422, {})
            return
        if cursor := query.pop("cursor", None):
            yield until(self.now)
            self.turn(asked, query, cursor[0])
            return
        names, parts = query["provider"], dict[str, Part]()
        yield from self.gather(instance, names, parts, self.now + self.deadline)
        late = {name: self.stand_in(instance, name, "timeout", ()) for name in names if name not in parts}
        self.show(asked, {**query, "models": wanted}, {**parts, **late})

    def query(self, path: str) -> Query:
        found: Query = {}
        for name, text in parse_qsl(urlsplit(path).query):
            found.setdefault({"gpu": "gpu_type", "per_page": "limit"}.get(name, name), []).append(text)
        return found

    def models(self, word: str) -> list[str]:
        """What a filter's word covers: a family, or a name."""
        names = [row["name"] for row in GPUS if row["family"] == word] or [r["name"] for r in GPUS if r["name"] == word]
        if not names:
            raise Unknown
        return names

    def show(self, asked: Asked, query: Query, parts: Mapping[str, Part]) -> None:
        if not any(part.entry for part in parts.values()):
            self.nothing_known(asked, parts)
            return
        warnings = [self.warning(name, part) for name, part in parts.items() if part.warning]
        known = self.scored([offer for part in parts.values() if part.entry for offer in self.lists[part.entry.cents]])
        self.page(asked, query, self.kept(known, query), warnings, 0)

    def kept(self, known: list[Offer], query: Query) -> list[Offer]:
        chosen = [offer for offer in known if self.satisfies(offer, query)]
        return self.ordered(chosen, query.get("sort", ["price"])[0])

    def satisfies(self, offer: Offer, query: Query) -> bool:
        names = [("region", "region"), ("availability", "availability"), ("models", "gpu_type")]
        return (
            all(self.is_among(offer[field], query.get(name, [])) for name, field in names)
            and set(query.get("compliance_tag", [])) <= set(offer["compliance_tags"])
            and self.is_affordable(offer, query)
            and self.memory_of(offer) >= Decimal(query.get("min_memory_gb", ["0"])[0])
            and offer["gpu_count"] >= int(query.get("min_gpu_count", ["0"])[0])
        )

    def is_among(self, value: str, wanted: list[str]) -> bool:
        return not wanted or value in wanted

    def is_affordable(self, offer: Offer, query: Query) -> bool:
        least, most = query.get("min_price", ["0"])[0], query.get("max_price", ["Infinity"])[0]
        return bool(Decimal(least) <= offer["price_per_hour"] <= Decimal(most))

    def memory_of(self, offer: Offer) -> int:
        return int(offer["gpu_memory_gb"])

    def scored(self, known: list[Offer]) -> list[Offer]:
        """How near each is to the cheapest and the fastest: no chapter judges the formula."""
        best = max((offer["performance"] / offer["price_per_hour"] for offer in known), default=Decimal(1))
        return [{**o, "score": (o["performance"] / o["price_per_hour"] / best).quantize(MILLIONTH)} for o in known]

    def ordered(self, chosen: list[Offer], sort: str) -> list[Offer]:
        by = {"price": "price_per_hour"}.get(sort.removeprefix("-"), sort.removeprefix("-"))
        sign = -1 if sort.startswith("-") else 1
        return sorted(chosen, key=lambda offer: (sign * offer[by], self.tie(offer)))

    def tie(self, offer: Offer) -> Any:  # noqa: ANN401 - whatever can be compared
        return offer["id"]

    # Pages.

    def page(self, asked: Asked, query: Query, kept: list[Offer], warnings: list[dict[str, Any]], start: int) -> None:
        limit = int(query.get("limit", ["20"])[0])
        named = json.dumps([self.now, [offer["id"] for offer in kept]])
        snapshot = hashlib.sha256(named.encode()).hexdigest()[:16]
        self.snapshots[snapshot] = (kept, warnings)
        more = start + limit < len(kept)
        body = {
            "items": kept[start : start + limit],
            "total": self.total(kept, start, limit),
            "next_cursor": f"{snapshot}-{start + limit}" if more else None,
            "snapshot_id": snapshot,
            "as_of": self.moment(self.now),
            "warnings": warnings,
        }
        self.say(asked, 200, body)

    def total(self, kept: list[Offer], start: int, limit: int) -> int:
        del start, limit
        return len(kept)

    def turn(self, asked: Asked, query: Query, cursor: str) -> None:
        snapshot, _, start = cursor.partition("-")
        kept, warnings = self.snapshots[snapshot]
        self.page(asked, query, kept, warnings, int(start))

    def written(self, body: Any) -> bytes:  # noqa: ANN401 - JSON
        """A float of a decimal with at most 15 digits is written as that decimal."""
        return self.text(body, float).encode()

    @staticmethod
    def text(body: Any, number: Callable[[Decimal], Any]) -> str:  # noqa: ANN401 - JSON
        return json.dumps(body, default=number)
