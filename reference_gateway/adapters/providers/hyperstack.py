"""Hyperstack, Infrahub API v1: flavors by GPU and region, and apart from them a price book, per GPU."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from reference_gateway.adapters.providers.fields import (
    DecimalText,
    Number,
    NumberOrZero,
    Text,
    Whole,
    WholeOrZero,
    header_text,
)
from reference_gateway.adapters.providers.machines import ON_DEMAND, SPOT, Machine, Source
from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed, WireRequest
from reference_gateway.adapters.providers.reading import NOTHING, Malformed, array, listed, member, read_each
from reference_gateway.core.gpus import find_gpu

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reference_gateway.adapters.providers.port import ListCall
    from reference_gateway.core.gpus import Gpu

FLAVORS_PATH: Final = "/v1/core/flavors"
PRICES_PATH: Final = "/v1/pricebook"

_SPOT: Final = "-spot"


class PriceRow(BaseModel, strict=True):
    """What this account pays for one GPU and hour, in USD."""

    name: Text
    value: DecimalText


class Group(BaseModel, strict=True):
    """The flavors of one GPU and region."""

    flavors: list[Any]


class Flavor(BaseModel, strict=True):
    """A machine type in one region; sizes in GB, of the whole machine."""

    name: Text
    region_name: Text
    cpu: Whole
    ram: Number
    disk: NumberOrZero
    ephemeral: NumberOrZero | None = None
    gpu: Text
    gpu_count: Whole
    stock_available: bool


class _Counted(BaseModel, strict=True):
    gpu_count: WholeOrZero


class Hyperstack:
    """Speaks Hyperstack's Infrahub API v1."""

    probe_path: Final = "/v1/core/regions"
    credential_fields: Final = ("api_key",)
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per flavor, at the price that the book has for its GPU."""
        prices = await call.wire.send(_asking(call, PRICES_PATH), read_prices)
        return await call.wire.send(
            _asking(call, FLAVORS_PATH),
            lambda body: read_listing(body, prices, Source(call.provider, "hyperstack", call.now_ms())),
        )

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(_asking(call, self.probe_path), lambda _: None)


def _asking(call: ListCall, path: str) -> WireRequest:
    return WireRequest(path, {"api_key": header_text(call.credential, "api_key")})


def read_prices(body: object) -> dict[str, Decimal]:
    """The price book by name; a malformed row is as if it were not there, of two of one name the later counts."""
    return {row.name: row.value for row in _rows(array(body))}


def _rows(rows: list[object]) -> Iterable[PriceRow]:
    for row in rows:
        try:
            yield PriceRow.model_validate(row)
        except ValidationError:
            continue


def read_listing(body: object, prices: Mapping[str, Decimal], source: Source) -> Listing:
    """Normalise the decoded flavors; raises `ProviderFailed` where they are no list at all."""
    if isinstance(body, dict) and body.get("status") is False:
        raise ProviderFailed(FailureKind.UNDECODABLE, "an error in a 200")
    return read_each(member(body, "data", list), lambda group: _read_group(group, prices, source))


def _read_group(wire: object, prices: Mapping[str, Decimal], source: Source) -> Listing:
    return read_each(Group.model_validate(wire).flavors, lambda flavor: _read_flavor(flavor, prices, source))


def _read_flavor(wire: object, prices: Mapping[str, Decimal], source: Source) -> Listing:
    if _Counted.model_validate(wire).gpu_count == 0:
        return NOTHING
    flavor = Flavor.model_validate(wire)
    market = SPOT if flavor.name.endswith(_SPOT) else ON_DEMAND
    price = Fraction(_price_of(flavor, prices)) * flavor.gpu_count
    machine = _machine(flavor, find_gpu(flavor.gpu.removesuffix(_SPOT)))
    availability = "available" if flavor.stock_available else "unavailable"
    return listed(machine.offered(source, flavor.region_name, price, market, availability))


def _price_of(flavor: Flavor, prices: Mapping[str, Decimal]) -> Decimal:
    """Of one GPU, by the row of its market: another market's price is none."""
    spot = flavor.name.endswith(_SPOT)
    row = flavor.gpu.removesuffix(_SPOT) + _SPOT if spot else flavor.gpu
    if row not in prices:
        raise Malformed("the price book has no row for it")
    return prices[row]


def _machine(flavor: Flavor, gpu: Gpu) -> Machine:
    return Machine(
        provider_offer_id=flavor.name,
        name=flavor.name,
        gpu=gpu,
        gpu_count=flavor.gpu_count,
        gpu_memory_gb=Decimal(gpu.memory_gb),
        vcpus=flavor.cpu,
        ram_gb=flavor.ram,
        storage_gb=flavor.disk + (flavor.ephemeral or 0),
    )
