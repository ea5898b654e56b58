"""Shadeform, API v1: types of many clouds in one list, each with the regions that sell it and whether just now."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from reference_gateway.adapters.providers.fields import Text, Whole, WholeOrZero, header_text
from reference_gateway.adapters.providers.machines import Machine, Source, checked, first_gpu
from reference_gateway.adapters.providers.port import Listing, WireRequest
from reference_gateway.adapters.providers.reading import NOTHING, listed, member, read_each

if TYPE_CHECKING:
    from reference_gateway.adapters.providers.port import ListCall
    from reference_gateway.core.offer import Amount

LIST_PATH: Final = "/v1/instances/types"

_CENTS: Final = Decimal(100)


class Configuration(BaseModel, strict=True):
    """Sizes in GB; memory of GPUs is per GPU, all else of the whole machine."""

    gpu_type: Text
    interconnect: str | None = None
    num_gpus: Whole
    vram_per_gpu_in_gb: Whole
    vcpus: Whole
    memory_in_gb: Whole
    storage_in_gb: WholeOrZero


class Type(BaseModel, strict=True):
    """A machine type of one cloud; its price is in US cents of the whole machine."""

    cloud: Text
    shade_instance_type: Text
    cloud_instance_type: Text
    configuration: Configuration
    hourly_price: Whole
    availability: list[Any]


class Region(BaseModel, strict=True):
    """Where it is sold, and whether it can be had now."""

    region: Text
    available: bool


class _Count(BaseModel, strict=True):
    num_gpus: WholeOrZero


class _Counted(BaseModel, strict=True):
    configuration: _Count


class Shadeform:
    """Speaks Shadeform's API v1."""

    probe_path: Final = "/v1/sshkeys"
    credential_fields: Final = ("api_key",)
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per cloud, type and region, from one request."""
        return await call.wire.send(
            _asking(call, LIST_PATH),
            lambda body: read_listing(body, Source(call.provider, "shadeform", call.now_ms())),
        )

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(_asking(call, self.probe_path), lambda _: None)


def _asking(call: ListCall, path: str) -> WireRequest:
    return WireRequest(path, {"X-API-KEY": header_text(call.credential, "api_key")})


def read_listing(body: object, source: Source) -> Listing:
    """Normalise a decoded body; raises `ProviderFailed` where it is no list at all."""
    return read_each(member(body, "instance_types", list), lambda item: _read_type(item, source))


def _read_type(wire: object, source: Source) -> Listing:
    if _Counted.model_validate(wire).configuration.num_gpus == 0:
        return NOTHING
    sold = Type.model_validate(wire)
    machine = _machine(sold)
    price = checked(sold.hourly_price / _CENTS)
    return read_each(sold.availability, lambda region: _in_region(machine, price, region, source))


def _in_region(machine: Machine, price: Amount, wire: object, source: Source) -> Listing:
    row = Region.model_validate(wire)
    availability = "available" if row.available else "unavailable"
    return listed(machine.offered(source, row.region, price, availability=availability))


def _machine(sold: Type) -> Machine:
    sizes = sold.configuration
    return Machine(
        provider_offer_id=f"{sold.cloud}:{sold.shade_instance_type}",
        name=f"{sold.cloud} {sold.cloud_instance_type}",
        gpu=first_gpu(
            f"{sizes.gpu_type} {sizes.interconnect or ''}".strip(),
            f"{sizes.gpu_type} {sizes.vram_per_gpu_in_gb}GB",
            sizes.gpu_type,
        ),
        gpu_count=sizes.num_gpus,
        gpu_memory_gb=Decimal(sizes.vram_per_gpu_in_gb),
        vcpus=sizes.vcpus,
        ram_gb=Decimal(sizes.memory_in_gb),
        storage_gb=Decimal(sizes.storage_in_gb),
    )
