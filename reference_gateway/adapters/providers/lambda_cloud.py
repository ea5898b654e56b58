"""Lambda Cloud, API v1 (its OpenAPI 1.10.0): one GET lists every instance type and the regions that have it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, NonNegativeInt, PositiveInt, StringConstraints, ValidationError

from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed
from reference_gateway.adapters.providers.wire import get_listing, header_text
from reference_gateway.core.gpus import Gpu, UnknownGpu, find_gpu
from reference_gateway.core.offer import CURRENCY, Offer, offer_id
from reference_gateway.core.offers import merge
from reference_gateway.core.regions import UnknownRegion, find_place

if TYPE_CHECKING:
    import aiohttp

    from reference_gateway.adapters.providers.port import ListCall

LIST_PATH: Final = "/api/v1/instance-types"
MARKET: Final = "on_demand"

TEXT_LENGTH_MAX: Final = 200
"""Characters of a type's name or description; the longest real one has 32."""

_CENTS: Final = Decimal(100)
_MEMORY_GB = re.compile(r"([0-9]{1,5}) GB")


def _printable(text: str) -> str:
    """A newline would let one name forge another's id, and half of a surrogate pair cannot be sent on."""
    if not text.isprintable():
        raise ValueError("not printable")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(_printable)]


class Specs(BaseModel, strict=True):
    """Sizes of the whole machine."""

    vcpus: PositiveInt
    memory_gib: PositiveInt
    storage_gib: PositiveInt
    gpus: NonNegativeInt


class InstanceType(BaseModel, strict=True):
    """A machine type; its price is in US cents of the whole machine."""

    name: Text
    description: Text
    gpu_description: Text
    price_cents_per_hour: PositiveInt
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

    async def list_offers(self, session: aiohttp.ClientSession, call: ListCall) -> Listing:
        """One offer per instance type and region with capacity, from one request."""
        bearer = {"Authorization": f"Bearer {header_text(call.credential, 'api_key')}"}
        return await get_listing(
            session, call, LIST_PATH, bearer, lambda body: read_listing(body, call.provider, call.now_ms())
        )


def read_listing(body: object, provider: str, now_ms: int) -> Listing:
    """Normalise a decoded body; raises `ProviderFailed` where it is no list at all."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        raise ProviderFailed(FailureKind.UNDECODABLE, "the body has no object `data`")
    read = [_read_item(item, provider, now_ms) for item in body["data"].values()]
    offers = merge(offer for found, _ in read for offer in found)
    return Listing(tuple(offers), sum(left_out for _, left_out in read))


def _read_item(wire: object, provider: str, now_ms: int) -> tuple[list[Offer], int]:
    """A type's offers, and how much of it was left out: all of it counts one, else each bad region does."""
    try:
        item = Item.model_validate(wire)
        machine = item.instance_type
        if machine.specs.gpus == 0:
            return [], 0  # a machine without GPUs is no offer, and no mistake
        gpu = find_gpu(machine.gpu_description)
    except (ValidationError, UnknownGpu):
        return [], 1
    regions = item.regions_with_capacity_available
    offers = [_read_offer(machine, gpu, region, provider, now_ms) for region in regions]
    return [offer for offer in offers if offer], offers.count(None)


def _read_offer(machine: InstanceType, gpu: Gpu, wire: object, provider: str, now_ms: int) -> Offer | None:
    """The type in one region; None where the region is malformed or unknown."""
    try:
        region = Region.model_validate(wire).name
        place = find_place("lambda", region)
    except (ValidationError, UnknownRegion):
        return None
    return Offer(
        id=offer_id(provider, machine.name, region, MARKET),
        provider=provider,
        provider_offer_id=machine.name,
        name=machine.description,
        gpu_type=gpu.name,
        gpu_family=gpu.family,
        gpu_count=machine.specs.gpus,
        gpu_memory_gb=_memory_gb(machine.gpu_description, gpu),
        vcpus=machine.specs.vcpus,
        ram_gb=Decimal(machine.specs.memory_gib),
        storage_gb=Decimal(machine.specs.storage_gib),
        price_per_hour=machine.price_cents_per_hour / _CENTS,
        spot_price=None,
        currency=CURRENCY,
        market=MARKET,
        availability="available",  # only regions with capacity are listed, and never how much of it
        region=place.region,
        provider_region=region,
        country=place.country,
        compliance_tags=(),
        performance=machine.specs.gpus * gpu.fp16_tflops,
        last_updated_ms=now_ms,
    )


def _memory_gb(gpu_description: str, gpu: Gpu) -> Decimal:
    """As Lambda says it in `H100 (80 GB SXM5)`; the model's own where it does not."""
    said = _MEMORY_GB.search(gpu_description)
    return Decimal(said[1] if said else gpu.memory_gb)
