"""The hand-calculated tables' form: everything that a simulator, an adapter and their tests look for is there."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from tests.providers.recount import PLACES, TABLES

NEW = [name for name in TABLES if name != "lambda"]
"""Lambda's list is one document without auxiliary ones: its table names neither."""
of_every_table = pytest.mark.parametrize("name", TABLES)
RULES = {
    "offers",
    "availability",
    "id",
    "name",
    "gpu_type",
    "gpu_memory_gb",
    "gpu_count",
    "vcpus",
    "ram_gb",
    "storage_gb",
    "price_per_hour",
    "price_per_gpu_hour",
    "spot_price",
    "compliance_tags",
    "performance",
    "no_gpu",
    "unknown_fields",
    "malformed",
    "undecodable",
}
TOP = {
    "adapter",
    "api",
    "list_path",
    "probe_path",
    "provider_offer_id",
    "currency",
    "development_credential",
    "auth",
    "error",
    "rules",
    "item",
    "body",
}
NO_GPU = {"runpod"}
"""Adapters whose list never shows a machine without GPUs."""


def items(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = TABLES[name]["item"]
    return found


def auxiliary(name: str) -> set[str]:
    return set(TABLES[name].get("documents", {}).get("auxiliary", []))


@of_every_table
def test_what_every_table_has(name: str) -> None:
    table = TABLES[name]
    assert table["adapter"] == name
    assert TOP - set(table) == set()
    assert RULES - set(table["rules"]) == ({"no_gpu"} if name in NO_GPU else set())
    assert table["probe_path"] != table["list_path"]
    assert {"header", "forms"} <= set(table["auth"])
    assert table["error"]["unauthorized"]["status"] == 401
    assert all(rule.strip() for rule in table["rules"].values())


@pytest.mark.parametrize("name", NEW)
def test_documents_are_whole_and_every_item_is_of_one(name: str) -> None:
    documents = {key: said for key, said in TABLES[name]["documents"].items() if key != "auxiliary"}
    assert auxiliary(name) < set(documents)
    assert {item["document"] for item in items(name)} == set(documents)
    assert {body["document"] for body in TABLES[name]["body"]} <= set(documents)
    for said in documents.values():
        assert said["method"] in {"GET", "POST"}
        assert isinstance(said["where"], str)
    assert next(iter(documents.values()))["path"].split("?")[0] == TABLES[name]["list_path"]


@pytest.mark.parametrize("name", NEW)
def test_errors_and_requests_are_what_a_server_and_a_client_can_send(name: str) -> None:
    for said in TABLES[name]["error"].values():
        assert 400 <= said["status"] < 600
        assert said.get("type") == "text/plain" or json.loads(said["body"])
    bounds = TABLES[name]["bounds"]
    assert 0 < Fraction(bounds["price_usd_min"]) < Fraction(bounds["price_usd_max"])


@of_every_table
def test_every_wire_is_json_and_every_key_is_unique(name: str) -> None:
    keys = [item["key"] for item in items(name)]
    assert len(keys) == len(set(keys))
    assert len({item["title"] for item in items(name)}) == len(keys)
    for item in items(name):
        json.loads(item["wire"])


@of_every_table
def test_an_item_has_offers_or_a_reason_or_nothing_wrong(name: str) -> None:
    for item in items(name):
        assert bool(item["left_out"]) == bool(item.get("reason")), item["key"]
        assert bool(item["offer"]) == ("arithmetic" in item), item["key"]
        if item.get("document") in auxiliary(name):
            assert (item["offer"], item["left_out"]) == ([], 0), item["key"]


@of_every_table
def test_ids_meet_only_where_an_item_repeats_another(name: str) -> None:
    by_key = {item["key"]: item for item in items(name)}
    owner: dict[str, str] = {}
    for item in items(name):
        ids = [offer["id"] for offer in item["offer"]]
        assert len(ids) == len(set(ids)), item["key"]
        earlier = by_key.get(item.get("repeats", ""))
        if earlier:
            assert set(ids) == {offer["id"] for offer in earlier["offer"]}, item["key"]
            assert (item["document"], item["offer"]) != (earlier["document"], earlier["offer"]), item["key"]
        assert [id_ for id_ in ids if id_ in owner and owner[id_] != item.get("repeats")] == []
        owner.update(dict.fromkeys(ids, item["key"]))


@of_every_table
def test_bodies_are_lists_or_failures(name: str) -> None:
    outcomes = {body["outcome"] for body in TABLES[name]["body"]}
    assert outcomes == {"listed", "failed"}
    for body in TABLES[name]["body"]:
        if body["outcome"] == "listed":
            json.loads(body["wire"])


@of_every_table
def test_the_hard_cases_are_there(name: str) -> None:
    offers = [offer for item in items(name) for offer in item["offer"]]
    exact = [Fraction(offer["price_per_gpu_hour_exact"]) for offer in offers]
    assert any(price * 10**6 % 1 for price in exact), "a price per GPU that must be rounded"
    assert len({offer["provider_region"] for offer in offers}) > 2
    assert any(offer["gpu_count"] > 1 for offer in offers)
    reasons = " ".join(item.get("reason", "") for item in items(name))
    for word in ("null", "text", "negative|below 0|sign", "gpus.toml", "regions.toml", " 0", "empty|identity"):
        assert any(choice in reasons for choice in word.split("|")), word


@pytest.mark.parametrize("name", NEW)
def test_repeats_several_regions_and_unknown_ones_are_there(name: str) -> None:
    assert any("repeats" in item for item in items(name))
    places = [{offer["provider_region"] for offer in item["offer"]} for item in items(name)]
    wide = any(len(found) > 1 for found in places)
    assert wide or name in {"hyperstack", "vastai", "runpod"}, (
        "where an item has one region, several items have one type"
    )
    assert set().union(*places) <= set(PLACES[name])


def test_both_ties_and_a_third_are_there() -> None:
    exact = [Fraction(row["price_per_gpu_hour_exact"]) for item in items("lambda") for row in item["offer"]]
    assert any(price.denominator % 3 == 0 for price in exact), "a price per GPU without an end"
    assert {int(price * 10**6) % 2 for price in exact if price * 2 * 10**6 % 2 == 1} == {0, 1}, (
        "ties after even and odd"
    )


@pytest.mark.parametrize("name", ["digitalocean", "vultr"])
def test_a_price_that_a_binary_fraction_would_round_otherwise_is_there(name: str) -> None:
    offers = [offer for item in items(name) for offer in item["offer"] if "price_per_hour_exact" in offer]
    exact = [Fraction(offer["price_per_hour_exact"]) for offer in offers]
    assert any(round(price * 10**6) != round(Fraction(float(price)) * 10**6) for price in exact)


def test_what_is_barren_without_a_reason_is_sold_out_or_has_no_gpus() -> None:
    barren = [item["key"] for item in items("lambda") if not item["offer"] and not item["left_out"]]
    assert barren == ["gpu_8x_a100", "cpu_4x_general"]
