"""The hand-calculated tables, counted again by other means."""

from __future__ import annotations

import hashlib
import json
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

from tests.providers.recount import GPUS, PLACES, SPEC, TABLES, recounted

# Contract section 7, without what only an answer can know: `score` and `last_updated`.
FIELDS = set(json.loads((SPEC / "schemas" / "offer.json").read_text())["required"]) - {"score", "last_updated"}
ADAPTERS = ["digitalocean", "hyperstack", "lambda", "runpod", "shadeform", "vastai", "verda", "vultr"]
ROWS = [
    pytest.param(name, item, offer, id=f"{name}-{item['key']}@{offer['provider_region']}-{offer['market']}")
    for name, table in TABLES.items()
    for item in table["item"]
    for offer in item["offer"]
]
of_every_offer = pytest.mark.parametrize(("adapter", "item", "offer"), ROWS)
NOT_SHOWN = {"nulls", "price_per_hour_exact", "price_per_gpu_hour_exact", "spot_price_exact"}


def shown(amount: Fraction) -> Decimal:
    """Rounded once, half-even, to 6 decimals."""
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(amount.numerator) / Decimal(amount.denominator)
        return quotient.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def exact(offer: dict[str, Any], field: str) -> Fraction:
    return Fraction(offer.get(f"{field}_exact", offer[field]))


def same(spelling: str) -> str:
    return " ".join(spelling.lower().replace("-", " ").replace("_", " ").split())


def test_every_adapter_of_the_contract_has_a_table() -> None:
    assert sorted(TABLES) == ADAPTERS


@of_every_offer
def test_every_field_of_an_offer_is_there_and_no_other(
    adapter: str, item: dict[str, Any], offer: dict[str, Any]
) -> None:
    assert set(offer) - NOT_SHOWN | set(offer["nulls"]) == FIELDS, item["title"]
    assert offer["provider"] == adapter


@of_every_offer
def test_ids_are_the_contracts_hash(adapter: str, item: dict[str, Any], offer: dict[str, Any]) -> None:
    parts = [adapter, offer["provider_offer_id"], offer["provider_region"], offer["market"]]
    whole = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    assert offer["id"] == whole[:16]
    assert f"= {whole[:16]}..." in item["arithmetic"]


@of_every_offer
def test_money_is_the_wires_exact_and_rounded_once_half_even(
    adapter: str, item: dict[str, Any], offer: dict[str, Any]
) -> None:
    price = recounted(adapter, item, offer).price
    assert exact(offer, "price_per_hour") == price
    assert Decimal(offer["price_per_hour"]) == shown(price)
    assert Fraction(offer["price_per_gpu_hour_exact"]) == price / offer["gpu_count"]
    assert Decimal(offer["price_per_gpu_hour"]) == shown(price / offer["gpu_count"])


@of_every_offer
def test_sizes_are_the_wires_in_the_contracts_units(adapter: str, item: dict[str, Any], offer: dict[str, Any]) -> None:
    again = recounted(adapter, item, offer)
    assert (offer["provider_offer_id"], offer["name"]) == (again.identity, again.name)
    assert (offer["gpu_count"], offer["vcpus"]) == (again.gpu_count, again.vcpus)
    for field in ("gpu_memory_gb", "ram_gb", "storage_gb"):
        assert Fraction(str(offer[field])) == getattr(again, field), field


@of_every_offer
def test_gpus_and_regions_are_canonical(adapter: str, item: dict[str, Any], offer: dict[str, Any]) -> None:
    meant = {same(spelling): row["name"] for row in GPUS.values() for spelling in (row["name"], *row["aliases"])}
    known = [meant[same(spelling)] for spelling in recounted(adapter, item, offer).spellings if same(spelling) in meant]
    assert offer["gpu_type"] == known[0]
    assert offer["gpu_family"] == GPUS[offer["gpu_type"]]["family"]
    assert PLACES[adapter][offer["provider_region"]] == {"region": offer["region"], "country": offer["country"]}


@of_every_offer
def test_performance_is_that_of_all_its_cards(adapter: str, item: dict[str, Any], offer: dict[str, Any]) -> None:
    gpu = GPUS[offer["gpu_type"]]
    whole = offer["gpu_count"] * Fraction(gpu["fp16_tflops"])
    shared = adapter == "vultr" and offer["gpu_memory_gb"] < gpu["memory_gb"]
    part = Fraction(offer["gpu_memory_gb"], gpu["memory_gb"]) if shared else Fraction(1)
    assert Fraction(offer["performance"]) == whole * part, item["title"]


@of_every_offer
def test_a_spot_price_is_that_of_the_spot_offer_beside_it(
    adapter: str, item: dict[str, Any], offer: dict[str, Any]
) -> None:
    identity = (offer["provider_offer_id"], offer["provider_region"])
    beside = {
        exact(other, "price_per_hour")
        for other in item["offer"]
        if other["market"] == "spot" and (other["provider_offer_id"], other["provider_region"]) == identity
    }
    expected = beside if offer["market"] != "spot" else set()
    said = {exact(offer, "spot_price")} if "spot_price" in offer else set()
    assert said == expected, adapter
    assert [Decimal(offer["spot_price"]) for _ in said] == [shown(price) for price in said]


@of_every_offer
def test_what_the_table_names_is_what_the_offer_says(adapter: str, item: dict[str, Any], offer: dict[str, Any]) -> None:
    table = TABLES[adapter]
    assert offer["market"] in (table["markets"] if "markets" in table else [table["market"]]), item["title"]
    assert offer["currency"] == table["currency"] == "USD"
    assert offer["availability"] in {"available", "limited", "unavailable"}
    assert offer["compliance_tags"] == []


def test_the_recount_reads_the_wire_and_not_the_offer() -> None:
    """If it took its numbers from the offer, it would agree with anything."""
    item = TABLES["lambda"]["item"][0]
    wire = item["wire"].replace("129", "131")
    assert recounted("lambda", item | {"wire": wire}, item["offer"][0]).price == Fraction(131, 100)
