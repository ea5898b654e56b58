"""Vast.ai, API v0: what strangers ask for their machines, one ask for each size that a machine is cut into."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, TypeAdapter

from reference_gateway.adapters.providers.fields import Number, NumberOrZero, Text, Whole, WholeOrZero, bearer
from reference_gateway.adapters.providers.machines import (
    ON_DEMAND,
    SPOT,
    Machine,
    Source,
    first_gpu,
    with_spot_prices,
)
from reference_gateway.adapters.providers.port import Listing, WireRequest
from reference_gateway.adapters.providers.reading import MALFORMED, NOTHING, Malformed, listed, member, read_each
from reference_gateway.core.regions import UnknownRegion, find_place

if TYPE_CHECKING:
    from reference_gateway.adapters.providers.port import ListCall

LIST_PATH: Final = "/api/v0/bundles/"

DISK_GB: Final = 50
"""Of the disk that is asked for, and that a price includes."""

ASKS_MAX: Final = 5000
"""Of one answer, the cheapest first."""

_BODY: Final = json.dumps(
    {
        "verified": {"eq": True},
        "rentable": {"eq": True},
        "rented": {"eq": False},
        "num_gpus": {"gte": 1},
        "type": "on-demand",
        "order": [["dph_total", "asc"]],
        "limit": ASKS_MAX,
        "allocated_storage": DISK_GB,
    }
).encode()

_MB_PER_GB: Final = 1024
_RAM_MB_PER_GB: Final = 1000
_RAM_DECIMALS: Final = 3
_HOURS_PER_MONTH: Final = 30 * 24
_BID: Final[TypeAdapter[Decimal]] = TypeAdapter(Number)


class Ask(BaseModel, strict=True):
    """A machine, or a part of one, for rent.

    `gpu_ram` is of one GPU and `cpu_ram` of the whole host, both in MB; `dph_base` and `min_bid` are USD an hour
    without the disk, `storage_cost` USD a month for a GB of it; `gpu_frac` is the share of the host's GPUs.
    """

    machine_id: Whole
    num_gpus: Whole
    gpu_name: Text
    gpu_ram: Whole
    gpu_frac: Number | None = None
    cpu_cores: Number | None = None
    cpu_cores_effective: Number
    cpu_ram: Whole
    disk_space: NumberOrZero
    geolocation: Text
    dph_base: Number
    storage_cost: NumberOrZero
    min_bid: Any = None
    rentable: bool
    rented: bool


class _Counted(BaseModel, strict=True):
    num_gpus: WholeOrZero


class VastAi:
    """Speaks Vast.ai's API v0."""

    probe_path: Final = "/api/v0/users/current/"
    credential_fields: Final = ("api_key",)
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per ask and market, from one request."""
        headers = {"Content-Type": "application/json", **bearer(call.credential)}
        return await call.wire.send(
            WireRequest(LIST_PATH, headers, "POST", _BODY),
            lambda body: read_listing(body, Source(call.provider, "vastai", call.now_ms())),
        )

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(WireRequest(self.probe_path, bearer(call.credential)), lambda _: None)


def read_listing(body: object, source: Source) -> Listing:
    """Normalise a decoded body; raises `ProviderFailed` where it is no list at all."""
    return with_spot_prices(read_each(member(body, "offers", list), lambda item: _read_ask(item, source)))


def _read_ask(wire: object, source: Source) -> Listing:
    if _Counted.model_validate(wire).num_gpus == 0:
        return NOTHING
    ask = Ask.model_validate(wire)
    machine, region = _machine(ask), _region_of(ask, source.adapter)
    on_demand = machine.offered(source, region, _with_disk(ask, ask.dph_base), ON_DEMAND)
    if ask.rented or not ask.rentable or ask.disk_space < DISK_GB:
        return NOTHING
    if ask.min_bid is None:
        return listed(on_demand)
    try:
        spot = machine.offered(source, region, _with_disk(ask, _BID.validate_python(ask.min_bid)), SPOT)
    except MALFORMED:
        return Listing((on_demand,), 1)
    return listed(on_demand, spot)


def _with_disk(ask: Ask, bare: Decimal) -> Fraction:
    return Fraction(bare) + DISK_GB * Fraction(ask.storage_cost) / _HOURS_PER_MONTH


def _region_of(ask: Ask, adapter: str) -> str:
    """The whole place if the table has it, else its country: a town is written in many ways, a country in one."""
    try:
        find_place(adapter, ask.geolocation)
    except UnknownRegion:
        return ask.geolocation.rpartition(", ")[2]
    return ask.geolocation


def _machine(ask: Ask) -> Machine:
    memory_gb = round(Fraction(ask.gpu_ram, _MB_PER_GB))
    if memory_gb == 0:
        raise Malformed("a GPU without memory")
    return Machine(
        provider_offer_id=f"{ask.machine_id}-{ask.num_gpus}",
        name=f"{ask.num_gpus}x {ask.gpu_name}",
        gpu=first_gpu(f"{ask.gpu_name} {memory_gb}GB", ask.gpu_name),
        gpu_count=ask.num_gpus,
        gpu_memory_gb=Decimal(memory_gb),
        vcpus=max(int(ask.cpu_cores_effective), 1),
        ram_gb=_ram_gb(ask),
        storage_gb=Decimal(DISK_GB),
    )


def _ram_gb(ask: Ask) -> Decimal:
    """The ask's share of the host's memory, as large as its share of the cores, or else of the GPUs."""
    share = Fraction(ask.cpu_cores_effective) / Fraction(ask.cpu_cores) if ask.cpu_cores else ask.gpu_frac
    if share is None or share > 1:
        raise Malformed("no share of the host")
    return Decimal(round(ask.cpu_ram * Fraction(share) / _RAM_MB_PER_GB * 10**_RAM_DECIMALS)).scaleb(-_RAM_DECIMALS)
