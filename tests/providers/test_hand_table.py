"""The hand-calculated table, counted again by other means."""

from __future__ import annotations

import hashlib
import json
import tomllib
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

SPEC = Path(__file__).parents[2] / "spec"
TABLE = tomllib.loads((SPEC / "providers" / "lambda.toml").read_text())
GPUS = {row["name"]: row for row in tomllib.loads((SPEC / "gpus.toml").read_text())["gpu"]}
REGIONS = next(
    row["regions"]
    for row in tomllib.loads((SPEC / "regions.toml").read_text())["provider"]
    if row["adapter"] == "lambda"
)

# Contract section 7, without what only an answer can know: `score` and `last_updated`.
FIELDS = {
    "id",
    "provider",
    "provider_offer_id",
    "name",
    "gpu_type",
    "gpu_family",
    "gpu_count",
    "gpu_memory_gb",
    "vcpus",
    "ram_gb",
    "storage_gb",
    "price_per_hour",
    "price_per_gpu_hour",
    "spot_price",
    "currency",
    "market",
    "availability",
    "region",
    "provider_region",
    "country",
    "compliance_tags",
    "performance",
}
ROWS = [
    pytest.param(item, offer, id=f"{item['key']}@{offer['provider_region']}")
    for item in TABLE["item"]
    for offer in item["offer"]
]


def typed(wire: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(wire)["instance_type"]
    return read


@pytest.mark.parametrize(("item", "offer"), ROWS)
def test_every_field_of_an_offer_is_there_and_no_other(item: dict[str, Any], offer: dict[str, Any]) -> None:
    assert set(offer) - {"nulls", "price_per_gpu_hour_exact"} | set(offer["nulls"]) == FIELDS, item["title"]


@pytest.mark.parametrize(("item", "offer"), ROWS)
def test_ids_are_the_contracts_hash(item: dict[str, Any], offer: dict[str, Any]) -> None:
    parts = [offer["provider"], offer["provider_offer_id"], offer["provider_region"], offer["market"]]
    whole = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    assert offer["id"] == whole[:16]
    assert f"= {whole[:16]}..." in item["arithmetic"]


@pytest.mark.parametrize(("item", "offer"), ROWS)
def test_money_is_exact_and_rounded_once_half_even(item: dict[str, Any], offer: dict[str, Any]) -> None:
    cents = typed(item["wire"])["price_cents_per_hour"]
    assert Fraction(offer["price_per_hour"]) == Fraction(cents, 100)
    exact = Fraction(cents, 100 * offer["gpu_count"])
    assert Fraction(offer["price_per_gpu_hour_exact"]) == exact
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(exact.numerator) / Decimal(exact.denominator)
        assert Decimal(offer["price_per_gpu_hour"]) == quotient.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


@pytest.mark.parametrize(("item", "offer"), ROWS)
def test_machines_gpus_and_regions_are_those_of_the_wire_and_the_tables(
    item: dict[str, Any], offer: dict[str, Any]
) -> None:
    wire, gpu = typed(item["wire"]), GPUS[offer["gpu_type"]]
    assert wire["gpu_description"] in gpu["aliases"]
    assert f"({offer['gpu_memory_gb']} GB" in wire["gpu_description"]
    assert offer["gpu_family"] == gpu["family"]
    assert Decimal(offer["performance"]) == offer["gpu_count"] * Decimal(gpu["fp16_tflops"])
    assert [wire["specs"][name] for name in ("vcpus", "memory_gib", "storage_gib", "gpus")] == [
        offer[name] for name in ("vcpus", "ram_gb", "storage_gb", "gpu_count")
    ]
    assert offer["name"] == wire["description"] == f"{offer['gpu_count']}x {wire['gpu_description']}"
    assert REGIONS[offer["provider_region"]] == {"region": offer["region"], "country": offer["country"]}


def test_an_item_without_offers_is_empty_of_capacity_of_gpus_or_left_out_with_the_reason() -> None:
    barren = [item for item in TABLE["item"] if not item["offer"]]
    assert {item["key"] for item in barren if not item["left_out"]} == {"gpu_8x_a100", "cpu_4x_general"}
    assert all(item["reason"] for item in TABLE["item"] if item["left_out"])


def test_keys_are_unique_and_every_hard_case_of_the_field_is_there() -> None:
    keys = [item["key"] for item in TABLE["item"]]
    assert len(keys) == len(set(keys))
    exact = [Fraction(offer["price_per_gpu_hour_exact"]) for item in TABLE["item"] for offer in item["offer"]]
    assert any(price.denominator % 3 == 0 for price in exact), "a price per GPU without an end"
    assert {int(price * 10**6) % 2 for price in exact if price * 2 * 10**6 % 2 == 1} == {0, 1}, (
        "a tie after even and odd"
    )
