"""The machines that a simulated provider rents, with a day's real prices of the whole machine."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from gatespec.providers.prices import DATA, gpu_models, normal, price_book

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from gatespec.providers.prices import Day

LAMBDA_SERIES = "lambda/on-demand"


@dataclass(frozen=True)
class Machine:
    """One instance type with its price; `gpu` is the price data's label."""

    name: str
    gpu: str
    gpu_description: str
    gpus: int
    vcpus: int
    memory_gib: int
    storage_gib: int
    usd: Decimal
    """USD an hour for the whole machine, exactly as the data has it."""
    regions: tuple[str, ...]
    """Where Lambda has it; other APIs have regions of their own."""

    @property
    def cents(self) -> int:
        """US cents an hour, as Lambda asks them."""
        return cents(self.usd)

    @property
    def number(self) -> int:
        """A small number that depends on nothing but the name, so that what is chosen by it stays from day to day."""
        return hashlib.sha256(self.name.encode()).digest()[0]

    @property
    def model(self) -> Mapping[str, Any]:
        """Its GPU's row of spec/gpus.toml."""
        return gpu_models()[normal(self.gpu)]

    @property
    def maker(self) -> str:
        """Who makes its GPU: `AMD` or `NVIDIA`."""
        return "AMD" if any("AMD" in word for word in self.model["aliases"]) else "NVIDIA"

    @property
    def spelling(self) -> str:
        """Its GPU as spec/gpus.toml writes the price data's label: of two labels of one model each has its own."""
        words: list[str] = [self.model["name"], *self.model["aliases"]]
        return next(word for word in words if normal(word) == normal(self.gpu))


def machines(series: str, day: date) -> tuple[Machine, ...]:
    """The catalogue of a price series on a day; raise `KeyError` where the data has none.

    Lambda's own series comes in Lambda's machines; every other in plain ones of 1, 2, 4 and 8 GPUs.
    """
    prices = price_book().on(series, day)
    made = _lambda_machines(prices) if series == LAMBDA_SERIES else _plain_machines(prices)
    return tuple(sorted(made, key=lambda machine: machine.name))


def cents(usd: Decimal) -> int:
    """US cents: rounded once, half-even, and at least one, as no provider rents for nothing."""
    return max(1, int((usd * 100).quantize(Decimal(1), ROUND_HALF_EVEN)))


def reprice(machine: Machine, usd: Decimal | None) -> Machine:
    """The same machine at another price, where one is given."""
    return machine if usd is None else replace(machine, usd=usd)


def regions() -> Mapping[str, str]:
    """Every region of the simulated Lambda with its description."""
    described: dict[str, str] = _boxes()["regions"]
    return described


@cache
def _boxes() -> dict[str, Any]:
    return tomllib.loads((DATA / "lambda-boxes.toml").read_text(encoding="utf-8"))


def _lambda_machines(prices: Day) -> list[Machine]:
    described, boxes = _boxes()["gpus"], _boxes()["boxes"]
    return [
        Machine(
            name,
            box["gpu"],
            described[box["gpu"]],
            box["gpus"],
            box["vcpus"],
            box["memory_gib"],
            box["storage_gib"],
            prices[box["gpu"]] * box["gpus"],
            tuple(box["regions"]),
        )
        for name, box in boxes.items()
        if box["gpu"] in prices
    ]


def _plain_machines(prices: Day) -> list[Machine]:
    counts: list[int] = _boxes()["other"]["counts"]
    return [_plain(gpu, usd, gpus) for gpu, usd in prices.items() for gpus in counts]


def _plain(gpu: str, usd: Decimal, gpus: int) -> Machine:
    shape = _boxes()["other"]
    name = f"gpu_{gpus}x_{gpu.replace('-', '_')}"
    return Machine(
        name,
        gpu,
        _described(gpu),
        gpus,
        shape["vcpus"] * gpus,
        shape["memory_gib"] * gpus,
        shape["storage_gib"] * gpus,
        usd * gpus,
        _two_regions(name),
    )


def _described(gpu: str) -> str:
    """The model's spelling that tells its memory, as Lambda writes all of his."""
    aliases: list[str] = gpu_models()[normal(gpu)]["aliases"]
    return next(alias for alias in aliases if " GB" in alias)


def _two_regions(name: str) -> tuple[str, ...]:
    """Two regions that depend on nothing but the name, so that they stay from day to day."""
    known = sorted(regions())
    start = hashlib.sha256(name.encode()).digest()[0] % len(known)
    return known[start], known[(start + 5) % len(known)]
