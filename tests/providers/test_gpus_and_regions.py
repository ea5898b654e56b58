"""spec/gpus.toml and spec/regions.toml: well-formed, unambiguous, and complete for the data and Lambda."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]
GPUS = tomllib.loads((ROOT / "spec" / "gpus.toml").read_text())["gpu"]
REGIONS = tomllib.loads((ROOT / "spec" / "regions.toml").read_text())
BOXES = tomllib.loads((ROOT / "gatespec" / "providers" / "data" / "lambda-boxes.toml").read_text())


def same(spelling: str) -> str:
    """The rule at the top of gpus.toml, in other words than the simulators'."""
    return re.sub(r"[ _-]+", " ", spelling.strip().lower())


SPELLINGS = {same(spelling): row["name"] for row in GPUS for spelling in (row["name"], *row["aliases"])}


def test_no_spelling_has_two_meanings_or_stands_twice() -> None:
    counted = Counter(same(spelling) for row in GPUS for spelling in (row["name"], *row["aliases"]))
    assert [spelling for spelling, times in counted.items() if times > 1] == []


def test_every_row_is_whole() -> None:
    for row in GPUS:
        assert set(row) == {"name", "family", "memory_gb", "fp16_tflops", "aliases"}, row["name"]
        assert re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", row["name"])
        assert type(row["memory_gb"]) is int
        assert 8 <= row["memory_gb"] <= 512
        assert 50 <= Decimal(row["fp16_tflops"]) <= 5000, row["name"]
        assert str(Decimal(row["fp16_tflops"])) == row["fp16_tflops"]


def test_a_word_that_is_both_name_and_family_means_one_model() -> None:
    families = Counter(row["family"] for row in GPUS)
    assert [row["name"] for row in GPUS if row["name"] in families and families[row["name"]] != 1] == []
    assert [row["name"] for row in GPUS if row["name"] in families and row["family"] != row["name"]] == []


def test_every_rate_names_its_source() -> None:
    lines = (ROOT / "spec" / "gpus.toml").read_text().splitlines()
    rates = [line for line in lines if line.startswith("fp16_tflops")]
    assert len(rates) == len(GPUS)
    assert [line for line in rates if not re.search(r'" # .{12,}', line)] == []


def test_every_gpu_of_the_price_data_has_a_canonical_name() -> None:
    with (ROOT / "gatespec" / "providers" / "data" / "gpu-rental-prices.csv").open() as lines:
        labels = {row["gpu"] for row in csv.DictReader(lines)}
    assert len(labels) == 46
    assert [label for label in labels if same(label) not in SPELLINGS] == []


def test_what_stands_in_the_contract_and_in_lambdas_machines_resolves() -> None:
    assert {SPELLINGS[same(name)] for name in ("H100-SXM", "A100-80GB", "RTX-4090")} == {
        "H100-SXM",
        "A100-80GB",
        "RTX-4090",
    }
    for label, described in BOXES["gpus"].items():
        assert SPELLINGS[same(label)] == SPELLINGS[same(described)] or label == "v100", label


def test_models_without_a_form_factor_are_the_slowest_of_their_kind() -> None:
    rates = {row["name"]: Decimal(row["fp16_tflops"]) for row in GPUS}
    assert rates["H100-80GB"] == min(rates["H100-SXM"], rates["H100-PCIe"])
    assert rates["V100-16GB"] == min(rates["V100-SXM2"], rates["V100-PCIe"])
    assert rates["RTX-PRO-6000-96GB"] == min(rate for name, rate in rates.items() if name.startswith("RTX-PRO-6000-"))


def test_regions_mean_canonical_ones_and_every_canonical_one_is_said_once() -> None:
    names = [row["name"] for row in REGIONS["region"]]
    assert len(names) == len(set(names))
    assert all(row["covers"] for row in REGIONS["region"])
    adapters = [row["adapter"] for row in REGIONS["provider"]]
    assert len(adapters) == len(set(adapters))
    for provider in REGIONS["provider"]:
        for name, meant in provider["regions"].items():
            assert set(meant) == {"region", "country"}, name
            assert meant["region"] in names, name
            assert re.fullmatch(r"[A-Z]{2}", meant["country"]), name


def test_every_region_of_the_simulated_lambda_is_known() -> None:
    known = next(row["regions"] for row in REGIONS["provider"] if row["adapter"] == "lambda")
    assert set(BOXES["regions"]) <= set(known)
    assert {region for box in BOXES["boxes"].values() for region in box["regions"]} <= set(BOXES["regions"])
