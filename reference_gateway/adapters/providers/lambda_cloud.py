"""Lambda Cloud, API v1 (its OpenAPI 1.10.0): one GET lists every instance type and the regions that have it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, Field

from reference_gateway.adapters.providers.fields import PRICE_MAX_USD, Text, Whole, WholeOrZero, bearer
from reference_gateway.adapters.providers.machines import Machine, Source
from reference_gateway.adapters.providers.port import Listing, WireRequest
from reference_gateway.adapters.providers.reading import NOTHING, listed, member, read_each
from reference_gateway.core.gpus import find_gpu

if TYPE_CHECKING:
    from reference_gateway.adapters.providers.port import ListCall
    from reference_gateway.core.gpus import Gpu

LIST_PATH: Final = "/api/v1/instance-types"

_CENTS: Final = Decimal(100)
_MEMORY_GB = re.compile(r"([0-9]{1,5}) GB")


class Specs(BaseModel, strict=True):
    """Sizes of the whole machine."""

    vcpus: Whole
    memory_gib: Whole
    storage_gib: Whole
    gpus: WholeOrZero


class InstanceType(BaseModel, strict=True):
    """A machine type; its price is in US cents of the whole machine."""

    name: Text
    description: Text
    gpu_description: Text
    price_cents_per_hour: Annotated[int, Field(gt=0, le=100 * PRICE_MAX_USD)]
    specs: Specs


class Item(BaseModel, strict=True):
    """A type and where it can be had; each region is read by itself, for a bad one spoils no other."""

    instance_type: InstanceType
    regions_with_capacity_available: list[Any]


class Region(BaseModel, strict=True):
    """A region by Lambda's name for it."""

    name: str


class LambdaCloud:
    """Speaks Lambda Cloud's API v1."""

    probe_path: Final = "/api/v1/images"
    credential_fields: Final = ("api_key",)
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per instance type and region with capacity, from one request."""
        return await call.wire.send(
            _asking(call, LIST_PATH), lambda body: read_listing(body, call.provider, call.now_ms())
        )

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(_asking(call, self.probe_path), lambda _: None)


def _asking(call: ListCall, path: str) -> WireRequest:
    return WireRequest(path, bearer(call.credential))


def read_listing(body: object, provider: str, now_ms: int) -> Listing:
    """Normalise a decoded body; raises `ProviderFailed` where it is no list at all."""
    source = Source(provider, "lambda", now_ms)
    return read_each(member(body, "data", dict).values(), lambda item: _read_item(item, source))


def _read_item(wire: object, source: Source) -> Listing:
    """A type's offers; a bad region leaves out its own, and all else the whole type."""
    item = Item.model_validate(wire)
    if item.instance_type.specs.gpus == 0:
        return NOTHING
    machine = _machine(item.instance_type)
    price = item.instance_type.price_cents_per_hour / _CENTS

    def in_region(region: object) -> Listing:
        # Only regions with capacity are listed, and never how much of it.
        return listed(machine.offered(source, Region.model_validate(region).name, price))

    return read_each(item.regions_with_capacity_available, in_region)


def _machine(sold: InstanceType) -> Machine:
    gpu = find_gpu(sold.gpu_description)
    return Machine(
        provider_offer_id=sold.name,
        name=sold.description,
        gpu=gpu,
        gpu_count=sold.specs.gpus,
        gpu_memory_gb=_memory_gb(sold.gpu_description, gpu),
        vcpus=sold.specs.vcpus,
        ram_gb=Decimal(sold.specs.memory_gib),
        storage_gb=Decimal(sold.specs.storage_gib),
    )


def _memory_gb(gpu_description: str, gpu: Gpu) -> Decimal:
    """As Lambda says it in `H100 (80 GB SXM5)`; the model's own where it does not."""
    said = _MEMORY_GB.search(gpu_description)
    return Decimal(said[1] if said else gpu.memory_gb)
