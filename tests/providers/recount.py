"""What an item of a hand-calculated table means, counted again: by fractions, from the wire and the table's rules.

Only items that mean offers come here; what is malformed is the tables' own affair, and the adapters'.
"""

from __future__ import annotations

import json
import re
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SPEC = Path(__file__).parents[2] / "spec"
TABLES = {path.stem: tomllib.loads(path.read_text()) for path in sorted((SPEC / "providers").glob("*.toml"))}
GPUS = {row["name"]: row for row in tomllib.loads((SPEC / "gpus.toml").read_text())["gpu"]}
PLACES = {row["adapter"]: row["regions"] for row in tomllib.loads((SPEC / "regions.toml").read_text())["provider"]}

Wire = dict[str, Any]
"""A JSON object whose numbers are exact."""

Item = dict[str, Any]
"""A row of a table: an item, or an offer of one."""

MB_A_GB = 1024
HOURS_A_MONTH = 30 * 24


class Recount(NamedTuple):
    """One offer's numbers; money in USD of the whole offer, sizes in GB, `spellings` in the order of trying."""

    identity: str
    name: str
    spellings: list[str]
    price: Fraction
    gpu_count: int
    gpu_memory_gb: Fraction
    vcpus: int
    ram_gb: Fraction
    storage_gb: Fraction


def read(text: str) -> Wire:
    """Numbers with a point as fractions, never through a binary one."""
    wire: Wire = json.loads(text, parse_float=Fraction)
    return wire


def recounted(adapter: str, item: Item, offer: Item) -> Recount:
    """`offer`'s numbers from `item`'s wire."""
    return _READERS[adapter](read(item["wire"]), item, offer)


def _lambda(wire: Wire, _: Item, __: Item) -> Recount:
    machine, specs = wire["instance_type"], wire["instance_type"]["specs"]
    described = machine["gpu_description"]
    return Recount(
        machine["name"],
        f"{specs['gpus']}x {described}",
        [described],
        Fraction(machine["price_cents_per_hour"], 100),
        specs["gpus"],
        Fraction(re.findall(r"\((\d+) GB", described)[0]),
        specs["vcpus"],
        Fraction(specs["memory_gib"]),
        Fraction(specs["storage_gib"]),
    )


def _vultr(wire: Wire, item: Item, offer: Item) -> Recount:
    card = GPUS[offer["gpu_type"]]["memory_gb"]
    if item["document"] == "plans":
        spelling, total, vcpus = wire["gpu_type"], wire["gpu_vram_gb"], wire["vcpu_count"]
        count = max(1, total // card)
    else:
        words = wire["id"].removesuffix("-gpu").split("-")[3:]
        count = int(words.pop(0)) if words[0].isdigit() else 1
        spelling, total, vcpus = "-".join(words), count * card, wire["cpu_threads"]
    costs = wire | (wire.get("location_cost") or {}).get(offer["provider_region"], {})
    cost = costs["hourly_cost_preemptible" if offer["market"] == "spot" else "hourly_cost"]
    ram, storage = Fraction(wire["ram"], MB_A_GB), Fraction(wire["disk"] * wire["disk_count"])
    memory = Fraction(total, count)
    return Recount(wire["id"], wire["id"], [spelling], Fraction(cost), count, memory, vcpus, ram, storage)


def _digitalocean(wire: Wire, _: Item, __: Item) -> Recount:
    gpu = wire["gpu_info"]
    disks = [disk["size"] for disk in wire.get("disk_info", [])]
    storage = sum(size["amount"] * {"gib": 1, "tib": 1024}[size["unit"]] for size in disks) or wire["disk"]
    return Recount(
        wire["slug"],
        wire["description"] or wire["slug"],
        [gpu["model"]],
        Fraction(wire["price_hourly"]),
        gpu["count"],
        Fraction(gpu["vram"]["amount"], gpu["count"]),
        wire["vcpus"],
        Fraction(wire["memory"], MB_A_GB),
        Fraction(storage),
    )


def _shadeform(wire: Wire, _: Item, __: Item) -> Recount:
    machine = wire["configuration"]
    gpu, form, memory = machine["gpu_type"], machine["interconnect"], machine["vram_per_gpu_in_gb"]
    return Recount(
        f"{wire['cloud']}:{wire['shade_instance_type']}",
        f"{wire['cloud']} {wire['cloud_instance_type']}",
        [f"{gpu} {form}"] * bool(form) + [f"{gpu} {memory}GB", gpu],
        Fraction(wire["hourly_price"], 100),
        machine["num_gpus"],
        Fraction(memory),
        machine["vcpus"],
        Fraction(machine["memory_in_gb"]),
        Fraction(machine["storage_in_gb"]),
    )


def _hyperstack(wire: Wire, _: Item, offer: Item) -> Recount:
    gpu, count = wire["gpu"].removesuffix("-spot"), wire["gpu_count"]
    paid = _price_book()[gpu + "-spot" * (offer["market"] == "spot")]
    return Recount(
        wire["name"],
        wire["name"],
        [gpu],
        paid * count,
        count,
        Fraction(GPUS[offer["gpu_type"]]["memory_gb"]),
        wire["cpu"],
        Fraction(wire["ram"]),
        Fraction(wire["disk"] + wire.get("ephemeral", 0)),
    )


def _price_book() -> dict[str, Fraction]:
    """USD per GPU by name; the later row of a name wins, and one that is no decimal in text is not there."""
    rows = [read(item["wire"]) for item in TABLES["hyperstack"]["item"] if item["document"] == "pricebook"]
    good = [row for row in rows if row and "name" in row and re.fullmatch(r"\d+(\.\d+)?", str(row["value"]))]
    return {row["name"]: Fraction(row["value"]) for row in good if isinstance(row["value"], str)}


def _verda(wire: Wire, _: Item, offer: Item) -> Recount:
    count = wire["gpu"]["number_of_gpus"]
    return Recount(
        wire["instance_type"],
        f"{wire['name']} ({wire['instance_type']})",
        [wire["name"], wire["model"]],
        Fraction(wire["spot_price" if offer["market"] == "spot" else "price_per_hour"]),
        count,
        Fraction(wire["gpu_memory"]["size_in_gigabytes"], count),
        wire["cpu"]["number_of_cores"],
        Fraction(wire["memory"]["size_in_gigabytes"]),
        Fraction(wire["storage"].get("size_in_gigabytes", 0)),
    )


def _vastai(wire: Wire, _: Item, offer: Item) -> Recount:
    disk_gb, count, memory = TABLES["vastai"]["disk_gb"], wire["num_gpus"], round(Fraction(wire["gpu_ram"], MB_A_GB))
    cores, frac = wire["cpu_cores"], wire["gpu_frac"]
    share = Fraction(frac) if cores is None else Fraction(wire["cpu_cores_effective"]) / cores
    paid = Fraction(wire["min_bid" if offer["market"] == "spot" else "dph_base"])
    return Recount(
        f"{wire['machine_id']}-{count}",
        f"{count}x {wire['gpu_name']}",
        [f"{wire['gpu_name']} {memory}GB", wire["gpu_name"]],
        paid + Fraction(wire["storage_cost"]) * disk_gb / HOURS_A_MONTH,
        count,
        Fraction(memory),
        max(1, int(wire["cpu_cores_effective"])),
        Fraction(round(wire["cpu_ram"] * share), 1000),
        Fraction(disk_gb),
    )


def _runpod(wire: Wire, item: Item, offer: Item) -> Recount:
    asked, lowest = item["asked"], wire["lowestPrice"]
    prices = {"on_demand": wire["securePrice"], "community": wire["communityPrice"], "spot": lowest["minimumBidPrice"]}
    return Recount(
        f"{wire['id']} x{asked['gpuCount']}",
        f"{asked['gpuCount']}x {wire['displayName']}",
        [wire["id"], wire["displayName"]],
        Fraction(prices[offer["market"]]) * asked["gpuCount"],
        asked["gpuCount"],
        Fraction(wire["memoryInGb"]),
        lowest["minVcpu"],
        Fraction(lowest["minMemory"]),
        Fraction(0),
    )


_READERS: Mapping[str, Callable[[Wire, Item, Item], Recount]] = {
    "lambda": _lambda,
    "vultr": _vultr,
    "digitalocean": _digitalocean,
    "shadeform": _shadeform,
    "hyperstack": _hyperstack,
    "verda": _verda,
    "vastai": _vastai,
    "runpod": _runpod,
}
