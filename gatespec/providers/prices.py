"""The real list prices of 34 clouds, day by day (data/README.md names the source and its licence).

Three quirks of the data, and what is done with them:

- A few series have several rows on one day (AWS rents the same GPU in boxes of different price). The lowest is the list
  price, so that a replay does not swing between rows of one day.
- In the first days some rows name an 80 GB A100 but say 40 GB. The memory is right: the label becomes the 40 GB's.
- Some rows are parts of a GPU (less than `WHOLE` of its memory). They are no offer of that GPU and are dropped.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DATA = Path(__file__).parent / "data"
WHOLE = Fraction(4, 5)
"""A row with less than this share of the model's memory is a slice; B300s are sold as 262 to 288 GB, slices as half."""

Day = dict[str, Decimal]
"""USD per GPU and hour, by the data's GPU label."""


def normal(spelling: str) -> str:
    """What two spellings of one GPU have in common: the rule at the top of spec/gpus.toml."""
    return " ".join(spelling.lower().replace("-", " ").replace("_", " ").split())


@cache
def gpu_models() -> Mapping[str, Mapping[str, Any]]:
    """Every row of spec/gpus.toml by each of its spellings, made normal."""
    rows = tomllib.loads((spec_dir() / "gpus.toml").read_text(encoding="utf-8"))["gpu"]
    return {normal(spelling): row for row in rows for spelling in (row["name"], *row["aliases"])}


@dataclass(frozen=True)
class PriceBook:
    """All prices, by series (`lambda/on-demand`: the data's provider and kind) and day."""

    series: Mapping[str, Mapping[date, Day]]

    def days(self, series: str) -> list[date]:
        """The days on which the series has prices, ascending; raise `KeyError` where there is no such series."""
        return sorted(self.series[series])

    def on(self, series: str, day: date) -> Day:
        """That day's prices; raise `KeyError` where the series has none."""
        return self.series[series][day]


@cache
def price_book() -> PriceBook:
    """The packaged data set, read once."""
    with (DATA / "gpu-rental-prices.csv").open(encoding="utf-8", newline="") as lines:
        return read_prices(csv.DictReader(lines))


def read_prices(rows: Iterable[Mapping[str, str]]) -> PriceBook:
    """Sort rows into series and days, quirks resolved."""
    series: dict[str, dict[date, Day]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        label = _label(row["gpu"], int(row["vram_gb"]))
        if label is None:
            continue
        day = series[f"{row['provider']}/{row['kind']}"][date.fromisoformat(row["date"])]
        price = Decimal(row["usd_per_gpu_hour"])
        day[label] = min(price, day.get(label, price))
    return PriceBook(series)


def _label(gpu: str, memory_gb: int) -> str | None:
    """The label of a whole GPU of that memory; None for a part of one."""
    if gpu.startswith("a100-") and gpu.endswith("-80") and memory_gb == 40:  # noqa: PLR2004 - the quirk's own number
        return gpu.removesuffix("80") + "40"
    return gpu if memory_gb >= gpu_models()[normal(gpu)]["memory_gb"] * WHOLE else None
