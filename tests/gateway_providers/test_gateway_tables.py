"""The gateway's own GPU and region tables against the contract's: kept apart, and equal."""

from __future__ import annotations

import csv
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference_gateway.core.gpus import UnknownGpu, find_gpu, names_covered
from reference_gateway.core.regions import UnknownRegion, find_place
from reference_gateway.core.tables.gpus import GPUS
from reference_gateway.core.tables.regions import PLACES, REGIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


def spec(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "spec" / name).read_text())


def meanings(name: str, aliases: Iterable[str]) -> set[str]:
    """What is left of the spellings of one model once those that the contract calls the same are one."""
    return {" ".join(spelling.lower().replace("-", " ").replace("_", " ").split()) for spelling in (name, *aliases)}


def test_the_gpu_tables_agree() -> None:
    ours = {gpu.name: (gpu.family, gpu.memory_gb, gpu.fp16_tflops, meanings(gpu.name, gpu.aliases)) for gpu in GPUS}
    theirs = {
        gpu["name"]: (
            gpu["family"],
            gpu["memory_gb"],
            Decimal(gpu["fp16_tflops"]),
            meanings(gpu["name"], gpu["aliases"]),
        )
        for gpu in spec("gpus.toml")["gpu"]
    }
    assert ours == theirs


def test_the_region_tables_agree() -> None:
    table = spec("regions.toml")
    assert {region["name"] for region in table["region"]} == REGIONS
    for provider in table["provider"]:
        ours = {name: (place.region, place.country) for name, place in PLACES.get(provider["adapter"], {}).items()}
        theirs = {name: (place["region"], place["country"]) for name, place in provider["regions"].items()}
        assert ours in ({}, theirs)  # an adapter that is still to come has no row here
    assert "lambda" in PLACES


def test_every_place_lies_in_a_region() -> None:
    assert {place.region for places in PLACES.values() for place in places.values()} <= REGIONS


def test_no_spelling_has_two_meanings() -> None:
    for gpu in GPUS:
        for spelling in (gpu.name, *gpu.aliases):
            assert find_gpu(spelling) is gpu


def test_a_name_that_is_a_family_is_all_of_it() -> None:
    families = {gpu.family for gpu in GPUS}
    for gpu in GPUS:
        if gpu.name in families:
            assert names_covered(gpu.name) == (gpu.name,)
            assert [other.name for other in GPUS if other.family == gpu.name] == [gpu.name]


def test_every_gpu_with_a_price_is_known() -> None:
    with (ROOT / "gatespec/providers/data/gpu-rental-prices.csv").open() as prices:
        spellings = {row["gpu"] for row in csv.DictReader(prices)}
    assert len(spellings) > 40
    for spelling in spellings:
        find_gpu(spelling)


@pytest.mark.parametrize("spelling", ["", "H", "H10", "H1000", "h100 sxm ", "RTX PRO 6000 W\N{KELVIN SIGN}", "A10G"])
def test_a_spelling_outside_the_table_is_unknown(spelling: str) -> None:
    with pytest.raises(UnknownGpu):
        find_gpu(spelling)
    with pytest.raises(UnknownGpu):
        names_covered(spelling)


@pytest.mark.parametrize(
    ("adapter", "region"), [("lambda", "atlantis"), ("lambda", "US-WEST-1"), ("nobody", "us-west-1")]
)
def test_a_region_outside_the_table_is_unknown(adapter: str, region: str) -> None:
    with pytest.raises(UnknownRegion):
        find_place(adapter, region)
