"""Vultr, API v2: plans of virtual and of metal machines, in pages, each with the locations that have it."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from reference_gateway.adapters.providers.fields import Price, Text, Whole, bearer
from reference_gateway.adapters.providers.machines import ON_DEMAND, SPOT, Machine, Source, with_spot_prices
from reference_gateway.adapters.providers.pages import CURSOR_LENGTH_MAX, Page, list_pages
from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed, WireRequest
from reference_gateway.adapters.providers.reading import NOTHING, Malformed, joined, listed, member, read_each
from reference_gateway.core.gpus import find_gpu
from reference_gateway.core.offer import money
from reference_gateway.core.regions import find_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.providers.port import ListCall
    from reference_gateway.core.gpus import Gpu

PLANS_PATH: Final = "/v2/plans?type=all&per_page=500"
METAL_PATH: Final = "/v2/plans-metal?per_page=500"

_MB_PER_GB: Final = Decimal(1024)
_METAL_GPU: Final = "-gpu"
_METAL_ID = re.compile(r"vbm-[0-9]+c-[0-9]+gb-(?:(0|[1-9][0-9]{0,2})-)?(.+)-gpu")
_MARKETS: Final = {"hourly_cost": ON_DEMAND, "hourly_cost_preemptible": SPOT}
_PRICE: Final[TypeAdapter[Decimal]] = TypeAdapter(Price)
_TEXT: Final[TypeAdapter[str]] = TypeAdapter(Text)


class Plan(BaseModel, strict=True):
    """What both kinds of machines have; prices in USD of the whole machine, `ram` in MB, `disk` in GB of one disk."""

    id: Text
    ram: Whole
    disk: Whole
    disk_count: Whole = 1
    hourly_cost: Price
    hourly_cost_preemptible: Any = None
    location_cost: dict[str, Any] | None = None
    deploy_ondemand: bool = True
    deploy_preemptible: bool = True
    locations: list[Any]


class CloudPlan(Plan):
    """A virtual machine; `gpu_vram_gb` is the total of all its cards, or its share of one."""

    vcpu_count: Whole
    gpu_vram_gb: Whole
    gpu_type: Text


class MetalPlan(Plan):
    """A metal machine; its GPUs stand in the id alone."""

    cpu_threads: Whole


class Vultr:
    """Speaks Vultr's API v2."""

    probe_path: Final = "/v2/regions"
    credential_fields: Final = ("api_key",)
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """Offers of both documents, each read page by page."""
        plans = await _list(call, PLANS_PATH, "plans", _read_cloud)
        metal = await _list(call, METAL_PATH, "plans_metal", _read_metal)
        return with_spot_prices(joined([plans, metal]))

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(_asking(call, self.probe_path), lambda _: None)


def _asking(call: ListCall, path: str) -> WireRequest:
    return WireRequest(path, bearer(call.credential))


async def _list(call: ListCall, path: str, where: str, read: Callable[[object, Source], Listing]) -> Listing:
    def read_page(body: object) -> Page:
        source = Source(call.provider, "vultr", call.now_ms())
        listing = read_each(member(body, where, list), lambda item: read(item, source))
        cursor = read_cursor(body)
        return Page(listing, _asking(call, f"{path}&cursor={quote(cursor, safe='')}") if cursor else None)

    return await list_pages(call, _asking(call, path), read_page)


def read_cursor(body: object) -> str:
    """What `meta.links.next` says, empty on the last page; raises `ProviderFailed` where it cannot be one."""
    found = body
    for name in ("meta", "links", "next"):
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        return ""
    if not isinstance(found, str) or len(found) > CURSOR_LENGTH_MAX or not found.isascii():
        raise ProviderFailed(FailureKind.UNDECODABLE, "`meta.links.next` is no cursor")
    return found


class _Kind(BaseModel, strict=True):
    type: str


class _Named(BaseModel, strict=True):
    id: Text


def _read_cloud(wire: object, source: Source) -> Listing:
    if _Kind.model_validate(wire).type != "vcg":
        return NOTHING
    plan = CloudPlan.model_validate(wire)
    gpu = find_gpu(plan.gpu_type)
    count, share = _cards(plan.gpu_vram_gb, gpu)
    return _offers(plan, _machine(plan, gpu, count, plan.vcpu_count, share), source)


def _cards(vram_gb: int, gpu: Gpu) -> tuple[int, Fraction]:
    """How many cards are meant by all their memory, and the share of each."""
    if vram_gb < gpu.memory_gb:
        return 1, Fraction(vram_gb, gpu.memory_gb)
    if vram_gb % gpu.memory_gb:
        raise Malformed("more than one card, and no whole number of them")
    return vram_gb // gpu.memory_gb, Fraction(1)


def _read_metal(wire: object, source: Source) -> Listing:
    name = _Named.model_validate(wire).id
    if not name.endswith(_METAL_GPU):
        return NOTHING
    plan = MetalPlan.model_validate(wire)
    said = _METAL_ID.fullmatch(name)
    if said is None or said[1] == "0":
        raise Malformed("the id tells no GPUs")
    machine = _machine(plan, find_gpu(said[2]), int(said[1] or 1), plan.cpu_threads, Fraction(1))
    return _offers(plan, machine, source)


def _machine(plan: Plan, gpu: Gpu, count: int, vcpus: int, share: Fraction) -> Machine:
    return Machine(
        provider_offer_id=plan.id,
        name=plan.id,
        gpu=gpu,
        gpu_count=count,
        gpu_memory_gb=Decimal((gpu.memory_gb * share).numerator),
        vcpus=vcpus,
        ram_gb=plan.ram / _MB_PER_GB,
        storage_gb=Decimal(plan.disk * plan.disk_count),
        performance=None if share == 1 else money(Fraction(gpu.fp16_tflops) * share),
    )


def _offers(plan: Plan, machine: Machine, source: Source) -> Listing:
    """In every location and market; what is wrong with one of them costs the others nothing."""
    prices, left_out = _prices(plan)
    found = read_each(plan.locations, lambda location: _in_location(plan, machine, prices, location, source))
    return Listing(found.offers, found.left_out + left_out)


def _prices(plan: Plan) -> tuple[dict[str, Decimal], int]:
    """By the field that says it, where nothing is said of a location; and how many were no prices."""
    prices = {"hourly_cost": plan.hourly_cost} if plan.deploy_ondemand else {}
    if plan.hourly_cost_preemptible is None or not plan.deploy_preemptible:
        return prices, 0
    try:
        return prices | {"hourly_cost_preemptible": _PRICE.validate_python(plan.hourly_cost_preemptible)}, 0
    except ValidationError:
        return prices, 1


def _in_location(plan: Plan, machine: Machine, prices: dict[str, Decimal], wire: object, source: Source) -> Listing:
    region = _TEXT.validate_python(wire)
    find_place(source.adapter, region)  # one that nobody knows counts once, not once a market

    def read(field: str) -> Listing:
        price = _local_price(plan, region, field, prices[field])
        return listed(machine.offered(source, region, price, _MARKETS[field]))

    return read_each(prices, read)


def _local_price(plan: Plan, region: str, field: str, elsewhere: Decimal) -> Decimal:
    """What `location_cost` says of a location goes before what the plan says of all."""
    local = (plan.location_cost or {}).get(region, {})
    if not isinstance(local, dict):
        raise Malformed("the costs of a location are no object")
    return _PRICE.validate_python(local[field]) if field in local else elsewhere
