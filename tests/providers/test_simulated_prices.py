"""Real prices: the replay is the data set, day by day; its quirks are resolved as said."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.errors import GatespecError
from gatespec.providers.catalogue import cents, machines
from gatespec.providers.prices import price_book, read_prices

if TYPE_CHECKING:
    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_wire import Provider

CSV = Path(__file__).parents[2] / "gatespec" / "providers" / "data" / "gpu-rental-prices.csv"

# One machine of each GPU, with the words of its wire description and its number of GPUs.
WITNESSES = {
    "gpu_1x_a10": ("a10", 1),
    "gpu_4x_a100": ("a100-pcie-40", 4),
    "gpu_8x_a100_80gb_sxm4": ("a100-sxm-80", 8),
    "gpu_8x_b200_sxm6": ("b200", 8),
    "gpu_1x_gh200": ("gh200", 1),
    "gpu_1x_h100_pcie": ("h100-pcie", 1),
    "gpu_8x_h100_sxm5": ("h100-sxm", 8),
    "gpu_1x_rtx6000": ("quadro-rtx-6000", 1),
    "gpu_2x_a6000": ("rtx-a6000", 2),
    "gpu_8x_v100": ("v100", 8),
}


def rows(provider: str, kind: str) -> dict[str, dict[str, list[Decimal]]]:
    """The file as it is: day to GPU to every price."""
    found: dict[str, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    with CSV.open() as lines:
        for row in csv.DictReader(lines):
            if (row["provider"], row["kind"]) == (provider, kind):
                found[row["date"]][row["gpu"]].append(Decimal(row["usd_per_gpu_hour"]))
    return found


def listed(provider: Provider) -> dict[str, int]:
    data = json.loads(provider.get().body)["data"]
    return {key: item["instance_type"]["price_cents_per_hour"] for key, item in data.items()}


def test_the_replay_of_lambda_equals_the_file_on_every_day(control: ProvidersControl, provider: Provider) -> None:
    days = rows("lambda", "on-demand")
    expected = sorted(days)[1:]  # on the first, two A100s are labelled 80 GB: a test of its own below
    control.set_prices(provider.name, day=expected[0])
    for day in expected:
        assert control.prices(provider.name).day == day
        served = listed(provider)
        wanted = {name: gpu for name, (gpu, _) in WITNESSES.items() if gpu in days[day]}
        assert set(wanted) == set(served) & set(WITNESSES)
        for name, gpu in wanted.items():
            assert Decimal(served[name]) == days[day][gpu][0] * WITNESSES[name][1] * 100, (day, name)
        if day != expected[-1]:
            control.replay(provider.name)
    assert control.prices(provider.name).days_left == 0


def test_the_replay_of_a_moving_series_equals_the_file_and_moves(control: ProvidersControl, provider: Provider) -> None:
    days = rows("scaleway", "on-demand")
    control.set_prices(provider.name, series="scaleway/on-demand", day=min(days))
    changes, before = 0, 0
    for day in sorted(days):
        assert control.prices(provider.name).day == day
        price = listed(provider)["gpu_8x_h100_sxm"]
        assert price == (min(days[day]["h100-sxm"]) * 800).quantize(Decimal(1)), day
        changes, before = changes + (price != before), price
        if day != max(days):
            control.replay(provider.name)
    assert changes > 20, "a replay without changes feeds no change"


def test_every_series_of_the_data_makes_a_catalogue_on_every_day() -> None:
    book = price_book()
    made = [machines(series, day) for series in book.series for day in book.days(series)]
    assert len(book.series) == 42
    assert all(len({machine.name for machine in day}) == len(day) > 0 for day in made)
    assert all(machine.cents >= 1 and len(set(machine.regions)) >= 1 for day in made for machine in day)


def read(*lines: str) -> dict[str, Decimal]:
    head = ["date", "provider", "gpu", "vram_gb", "usd_per_gpu_hour", "kind"]
    book = read_prices(dict(zip(head, line.split(","), strict=True)) for line in lines)
    return book.on("p/spot", date(2026, 7, 5))


def test_of_two_rows_on_a_day_the_lowest_is_the_list_price() -> None:
    dear, cheap = "2026-07-05,p,l4,24,0.9,spot", "2026-07-05,p,l4,24,0.35,spot"
    assert read(dear, cheap) == read(cheap, dear) == {"l4": Decimal("0.35")}


def test_a_40_gb_a100_under_the_80s_label_becomes_the_40s() -> None:
    assert read("2026-07-05,p,a100-sxm-80,40,1.99,spot") == {"a100-sxm-40": Decimal("1.99")}
    assert "gpu_8x_a100_80gb_sxm4" not in {m.name for m in machines("lambda/on-demand", date(2026, 7, 5))}


def test_a_part_of_a_gpu_is_no_gpu() -> None:
    assert read("2026-07-05,p,a40,48,0.4,spot", "2026-07-05,p,rtx-pro-6000,24,0.3,spot") == {"a40": Decimal("0.4")}


@pytest.mark.parametrize(
    ("usd", "gpus", "expected"),
    [("1.29", 1, 129), ("2.49875", 8, 1999), ("0.005", 1, 1), ("0.015", 1, 2), ("0.025", 1, 2), ("0.0001", 1, 1)],
)
def test_cents_of_a_machine_are_rounded_once_half_even_and_never_nothing(usd: str, gpus: int, expected: int) -> None:
    assert cents(Decimal(usd) * gpus) == expected


def test_a_price_can_be_set_and_given_back(control: ProvidersControl, provider: Provider) -> None:
    before = listed(provider)
    control.set_prices(provider.name, cents={"gpu_1x_a10": 777})
    assert listed(provider) == control.prices(provider.name).cents == {**before, "gpu_1x_a10": 777}
    control.replay(provider.name)
    assert listed(provider)["gpu_1x_a10"] == 777
    control.set_prices(provider.name, cents={"gpu_1x_a10": None})
    assert listed(provider)["gpu_1x_a10"] == before["gpu_1x_a10"]
    assert listed(provider) == control.prices(provider.name).cents


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"series": "nobody/spot"}, "series"),
        ({"day": "2025-01-01"}, "day"),
        ({"day": "2026-13-01"}, "day"),
        ({"advance": 999}, "advance"),
        ({"cents": {"gpu_9x_none": 5}}, "cents"),
    ],
)
def test_prices_that_the_data_does_not_have_change_nothing(
    control: ProvidersControl, provider: Provider, changes: dict[str, object], field: str
) -> None:
    before = control.prices(provider.name)
    with pytest.raises(GatespecError, match=f'"field": "{field}"'):
        control.set_prices(provider.name, **changes)
    assert control.prices(provider.name) == before
