"""DigitalOcean, API v2: sizes of machines, in pages, each with the regions that have it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter

from reference_gateway.adapters.providers.fields import Number, Price, Text, Whole, bearer
from reference_gateway.adapters.providers.machines import Machine, Source
from reference_gateway.adapters.providers.pages import CURSOR_LENGTH_MAX, Page, list_pages
from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed, WireRequest
from reference_gateway.adapters.providers.reading import NOTHING, listed, member, read_each
from reference_gateway.core.gpus import find_gpu

if TYPE_CHECKING:
    from reference_gateway.adapters.providers.port import ListCall

LIST_PATH: Final = "/v2/sizes"
FIRST_PAGE: Final = LIST_PATH + "?per_page=500"

_MB_PER_GB: Final = Decimal(1024)
_GB: Final = {"gib": 1, "tib": 1024}
_REGION: Final[TypeAdapter[str]] = TypeAdapter(Text)


class Memory(BaseModel, strict=True):
    """Video memory of all GPUs together."""

    amount: Number
    unit: Literal["gib"]


class GpuInfo(BaseModel, strict=True):
    """What GPUs a size has."""

    count: Whole
    vram: Memory
    model: Text


class DiskSize(BaseModel, strict=True):
    """Of one disk."""

    amount: Number
    unit: Literal["gib", "tib"]


class Disk(BaseModel, strict=True):
    """A local or a scratch disk."""

    size: DiskSize


class Size(BaseModel, strict=True):
    """A machine type; `memory` is in MB, `disk` the local disk in GB, `price_hourly` USD of the whole machine."""

    slug: Text
    description: Text | Literal[""] | None = None
    memory: Whole
    vcpus: Whole
    disk: Whole
    disk_info: list[Disk] | None = None
    price_hourly: Price
    available: bool
    regions: list[Any]
    gpu_info: GpuInfo


class DigitalOcean:
    """Speaks DigitalOcean's API v2."""

    probe_path: Final = "/v2/account"
    credential_fields: Final = ("api_key",)
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per size and region, page by page."""

        def read_page(body: object) -> Page:
            listing = read_listing(body, Source(call.provider, "digitalocean", call.now_ms()))
            query = read_next(body)
            return Page(listing, _asking(call, f"{LIST_PATH}?{query}") if query else None)

        return await list_pages(call, _asking(call, FIRST_PAGE), read_page)

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(_asking(call, self.probe_path), lambda _: None)


def _asking(call: ListCall, path: str) -> WireRequest:
    return WireRequest(path, bearer(call.credential))


def read_listing(body: object, source: Source) -> Listing:
    """Normalise a decoded page; raises `ProviderFailed` where it is no list at all."""
    return read_each(member(body, "sizes", list), lambda item: _read_size(item, source))


def read_next(body: object) -> str:
    """The query of the next page, empty on the last; raises `ProviderFailed` where it cannot be one.

    The link is a whole address, and nothing but its query is used: its host would be sent the credential.
    """
    link = body
    for name in ("links", "pages", "next"):
        link = link.get(name) if isinstance(link, dict) else None
    if link is None:
        return ""
    if isinstance(link, str) and len(link) <= CURSOR_LENGTH_MAX and link.isascii() and link.isprintable():
        return link and _query_of(link)
    raise ProviderFailed(FailureKind.UNDECODABLE, "`links.pages.next` is no address")


def _query_of(link: str) -> str:
    try:
        return urlsplit(link).query
    except ValueError:
        pass  # raised below: the error holds the link
    raise ProviderFailed(FailureKind.UNDECODABLE, "`links.pages.next` is no address")


def _read_size(wire: object, source: Source) -> Listing:
    if isinstance(wire, dict) and wire.get("gpu_info") is None:
        return NOTHING
    size = Size.model_validate(wire)
    machine = _machine(size)
    return read_each(size.regions if size.available else [], lambda region: _in_region(size, machine, region, source))


def _in_region(size: Size, machine: Machine, wire: object, source: Source) -> Listing:
    return listed(machine.offered(source, _REGION.validate_python(wire), size.price_hourly))


def _machine(size: Size) -> Machine:
    gpus = size.gpu_info
    return Machine(
        provider_offer_id=size.slug,
        name=size.description or size.slug,
        gpu=find_gpu(gpus.model),
        gpu_count=gpus.count,
        gpu_memory_gb=gpus.vram.amount / gpus.count,
        vcpus=size.vcpus,
        ram_gb=size.memory / _MB_PER_GB,
        storage_gb=_storage_gb(size),
    )


def _storage_gb(size: Size) -> Decimal:
    """All disks together where they are told one by one."""
    if not size.disk_info:
        return Decimal(size.disk)
    return sum((disk.size.amount * _GB[disk.size.unit] for disk in size.disk_info), Decimal(0))
