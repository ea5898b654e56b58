"""Verda (once DataCrunch), API v1: types and prices in one list, and in two others which location has them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from reference_gateway.adapters.providers.client_tokens import CREDENTIAL_FIELDS, TokenWire
from reference_gateway.adapters.providers.fields import NumberOrZero, PriceText, Text, Whole, WholeOrZero
from reference_gateway.adapters.providers.machines import ON_DEMAND, SPOT, Machine, Source, first_gpu, with_spot_prices
from reference_gateway.adapters.providers.port import Listing
from reference_gateway.adapters.providers.reading import NOTHING, array, read_each
from reference_gateway.core.regions import find_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reference_gateway.adapters.providers.port import ListCall

TOKEN_PATH: Final = "/v1/oauth2/token"  # noqa: S105 - a path
TYPES_PATH: Final = "/v1/instance-types?currency=usd"
ON_DEMAND_PATH: Final = "/v1/instance-availability"
SPOT_PATH: Final = "/v1/instance-availability?isSpot=true"

Locations = dict[str, dict[str, None]]
"""By instance type, the locations that have it, each once and in the order of the list."""

_PRICE: Final[TypeAdapter[Decimal]] = TypeAdapter(PriceText)


class Row(BaseModel, strict=True):
    """What one location has."""

    location_code: Text
    availabilities: list[Any]


class Cores(BaseModel, strict=True):
    """Of the whole machine."""

    number_of_cores: Whole


class Gpus(BaseModel, strict=True):
    """Of the whole machine."""

    number_of_gpus: Whole


class Memory(BaseModel, strict=True):
    """In GB; the GPUs' as well is of the whole machine."""

    size_in_gigabytes: Whole


class Storage(BaseModel, strict=True):
    """In GB; none where the disk is bought apart."""

    size_in_gigabytes: NumberOrZero | None = None


class Type(BaseModel, strict=True):
    """A machine type; prices are decimals in text, USD of the whole machine."""

    instance_type: Text
    name: Text
    model: Text
    price_per_hour: PriceText
    spot_price: Any = None
    currency: Literal["usd"] | None = None
    cpu: Cores
    gpu: Gpus
    gpu_memory: Memory
    memory: Memory
    storage: Storage


class _Count(BaseModel, strict=True):
    number_of_gpus: WholeOrZero


class _Counted(BaseModel, strict=True):
    gpu: _Count


class Verda:
    """Speaks Verda's API v1."""

    probe_path: Final = "/v1/locations"
    credential_fields: Final = CREDENTIAL_FIELDS
    polled_only: Final = False

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per type, location and market; the types come last, for then all is there to read them by."""
        wire = TokenWire(call, TOKEN_PATH)
        places = {
            ON_DEMAND: await wire.get(ON_DEMAND_PATH, read_locations),
            SPOT: await wire.get(SPOT_PATH, read_locations),
        }
        return await wire.get(
            TYPES_PATH, lambda body: read_listing(body, places, Source(call.provider, "verda", call.now_ms()))
        )

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await TokenWire(call, TOKEN_PATH).get(self.probe_path, lambda _: None)


def read_locations(body: object) -> Locations:
    """Turn rows of locations round; a malformed row, or name in one, is as if it were not there."""
    found: Locations = {}
    for row in _rows(array(body)):
        for name in row.availabilities:
            if isinstance(name, str):
                found.setdefault(name, {})[row.location_code] = None
    return found


def _rows(rows: Sequence[object]) -> Iterable[Row]:
    for row in rows:
        try:
            yield Row.model_validate(row)
        except ValidationError:
            continue


def read_listing(body: object, places: Mapping[str, Locations], source: Source) -> Listing:
    """Normalise the decoded types; raises `ProviderFailed` where they are no list at all."""
    return with_spot_prices(read_each(array(body), lambda item: _read_type(item, places, source)))


def _read_type(wire: object, places: Mapping[str, Locations], source: Source) -> Listing:
    if _Counted.model_validate(wire).gpu.number_of_gpus == 0:
        return NOTHING
    sold = Type.model_validate(wire)
    machine = _machine(sold)
    has = {market: tuple(places[market].get(sold.instance_type, ())) for market in places}
    prices, left_out = _prices(sold, sold_at_spot=bool(has[SPOT]))
    everywhere = dict.fromkeys(location for market in prices for location in has[market])

    def in_location(location: str) -> Listing:
        find_place(source.adapter, location)  # one that nobody knows counts once, not once a market
        markets = [market for market in prices if location in has[market]]
        return Listing(tuple(machine.offered(source, location, prices[market], market) for market in markets), 0)

    found = read_each(everywhere, in_location)
    return Listing(found.offers, found.left_out + left_out)


def _prices(sold: Type, *, sold_at_spot: bool) -> tuple[dict[str, Decimal], int]:
    """By market; and whether a spot price that somebody would pay is none."""
    prices = {ON_DEMAND: sold.price_per_hour}
    if sold.spot_price is None or not sold_at_spot:
        return prices, 0
    try:
        return prices | {SPOT: _PRICE.validate_python(sold.spot_price)}, 0
    except ValidationError:
        return prices, 1


def _machine(sold: Type) -> Machine:
    count = sold.gpu.number_of_gpus
    return Machine(
        provider_offer_id=sold.instance_type,
        name=f"{sold.name} ({sold.instance_type})",
        gpu=first_gpu(sold.name, sold.model),
        gpu_count=count,
        gpu_memory_gb=Decimal(sold.gpu_memory.size_in_gigabytes) / count,
        vcpus=sold.cpu.number_of_cores,
        ram_gb=Decimal(sold.memory.size_in_gigabytes),
        storage_gb=sold.storage.size_in_gigabytes or Decimal(0),
    )
