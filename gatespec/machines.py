"""Machines that a story's provider rents, made to be mistaken for each other: as Lambda lists them, and as offers.

Few prices, so that many are equal; models whose names begin with other models' names; memory that is more in all than
one GPU has.
"""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from gatespec.hand_tables import Listed, Meant, Stock, hand_tables, money
from gatespec.providers.prices import gpu_models, normal
from gatespec.read_ports import PLAIN
from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODELS = (
    "H100-SXM",
    "H100-PCIe",
    "H100-80GB",
    "GH200",
    "A100-80GB",
    "A100-40GB",
    "A10",
    "L4",
    "L40",
    "L40S",
    "RTX-3090",
    "RTX-3090-Ti",
    "Quadro-RTX-6000",
    "RTX-PRO-6000-Server",
    "RTX-6000-Ada",
)
COUNTS = (1, 2, 4, 8)
CENTS = (100, 199, 200, 201, 333, 800)
PLACES = ("us-west-1", "us-east-1", "europe-central-1", "asia-south-1")
VCPUS, RAM_GIB, STORAGE_GIB = 13, 97, 511
"""Of one GPU's share of a machine."""
MARKET = "on_demand"


def machine(number: int, which: Sequence[int]) -> Listed:
    """The machine that four numbers choose: a model, a count, a price and a region, each by its place."""
    model, many, much, where = which
    count, price, place = COUNTS[many % len(COUNTS)], CENTS[much % len(CENTS)], PLACES[where % len(PLACES)]
    name, row = f"gpu_{number}", _rows()[MODELS[model % len(MODELS)]]
    described = next(alias for alias in row["aliases"] if " GB" in alias)
    wire = _wire(name, described, count, price, place)
    return Listed(name, "", wire, (_meant(name, f"{count}x {described}", row, count, price, place),))


def stock_of(machines: Sequence[Sequence[int]]) -> Stock:
    """A provider with these machines, each another one though it be the same."""
    listed = tuple(machine(number, which) for number, which in enumerate(machines))
    return Stock(hand_tables()[PLAIN.adapter], listed)


def names_covered(word: str) -> frozenset[str]:
    """The canonical names that a filter's word means, a name or a family; none where the table has neither."""
    rows = _rows().values()
    members = frozenset(row["name"] for row in rows if row["family"] == word)
    return members or frozenset(row["name"] for row in rows if row["name"] == word)


def is_known(word: str) -> bool:
    """Whether any spelling of a model or a family is like this word."""
    return normal(word) in gpu_models() or any(normal(row["family"]) == normal(word) for row in _rows().values())


@cache
def _rows() -> Mapping[str, Mapping[str, Any]]:
    told = tomllib.loads((spec_dir() / "gpus.toml").read_text(encoding="utf-8"))["gpu"]
    return {row["name"]: row for row in told}


@cache
def _regions() -> Mapping[str, Mapping[str, str]]:
    told = tomllib.loads((spec_dir() / "regions.toml").read_text(encoding="utf-8"))["provider"]
    found: Mapping[str, Mapping[str, str]] = next(r["regions"] for r in told if r["adapter"] == PLAIN.adapter)
    return found


def _wire(name: str, described: str, count: int, cents: int, place: str) -> str:
    specs = {"vcpus": VCPUS * count, "memory_gib": RAM_GIB * count, "storage_gib": STORAGE_GIB * count, "gpus": count}
    return json.dumps(
        {
            "instance_type": {
                "name": name,
                "description": f"{count}x {described}",
                "gpu_description": described,
                "price_cents_per_hour": cents,
                "specs": specs,
            },
            "regions_with_capacity_available": [{"name": place, "description": place}],
        }
    )


def _meant(name: str, shown_as: str, row: Mapping[str, Any], count: int, cents: int, place: str) -> Meant:  # noqa: PLR0913, PLR0917 - one for each thing that a machine is
    usd, region = Fraction(cents, 100), _regions()[place]
    shown = {
        "provider_offer_id": name,
        "name": shown_as,
        "gpu_type": row["name"],
        "gpu_family": row["family"],
        "gpu_count": Decimal(count),
        "gpu_memory_gb": Decimal(row["memory_gb"]),
        "vcpus": Decimal(VCPUS * count),
        "ram_gb": Decimal(RAM_GIB * count),
        "storage_gb": Decimal(STORAGE_GIB * count),
        "price_per_hour": money(usd),
        "price_per_gpu_hour": money(usd / count),
        "spot_price": None,
        "currency": "USD",
        "market": MARKET,
        "availability": "available",
        "region": region["region"],
        "provider_region": place,
        "country": region["country"],
        "compliance_tags": (),
        "performance": count * Decimal(row["fp16_tflops"]),
    }
    return Meant((name, place, MARKET), shown, usd)
