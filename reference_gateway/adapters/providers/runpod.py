"""RunPod, GraphQL API: one question tells what there is, and one for each place and number of GPUs what it costs.

A whole sweep takes longer than a read has: only the poller asks for it, question by question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from reference_gateway.adapters.providers.fields import Number, Text, Whole, bearer
from reference_gateway.adapters.providers.machines import (
    COMMUNITY,
    ON_DEMAND,
    SPOT,
    Machine,
    Source,
    first_gpu,
    with_spot_prices,
)
from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed, WireRequest
from reference_gateway.adapters.providers.reading import NOTHING, Malformed, joined, listed, member, read_each
from reference_gateway.core.regions import find_place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference_gateway.adapters.providers.port import ListCall

PATH: Final = "/graphql"

COUNTS: Final = (1, 2, 4, 8)
"""How many GPUs are asked for at once."""

QUESTIONS_MAX: Final = 2000
"""Of one sweep; a real one has some hundreds, a second or less for each."""

_DISCOVERY: Final = """\
query Discovery {
  countryCodes
  dataCenters { id name listed }
  gpuTypes {
    id displayName memoryInGb maxGpuCount maxGpuCountCommunityCloud maxGpuCountSecureCloud minPodGpuCount
    secureCloud communityCloud manufacturer
  }
}
"""

_PRICES: Final = """\
query GpuTypes($lowestPriceInput: GpuLowestPriceInput, $gpuTypesInput: GpuTypeFilter) {
  gpuTypes(input: $gpuTypesInput) {
    id displayName memoryInGb securePrice communityPrice
    lowestPrice(input: $lowestPriceInput) {
      minimumBidPrice uninterruptablePrice minVcpu minMemory stockStatus compliance countryCode
    }
  }
}
"""

_STOCK: Final = {"High": "available", "Medium": "available", "Low": "limited"}
_PRICE: Final[TypeAdapter[Decimal]] = TypeAdapter(Number)
_NAME: Final[TypeAdapter[str]] = TypeAdapter(Text)


class DataCenter(BaseModel, strict=True):
    """A place of the secure cloud."""

    id: Text
    listed: bool


class LowestPrice(BaseModel, strict=True):
    """What a place has of a GPU type; sizes of the whole machine, memory in GB, the bid in USD per GPU and hour."""

    stockStatus: str  # noqa: N815 - the API's own names, here and below
    minVcpu: Whole  # noqa: N815 - the wire's own name
    minMemory: Whole  # noqa: N815 - the wire's own name
    minimumBidPrice: Any = None  # noqa: N815 - the wire's own name


class GpuType(BaseModel, strict=True):
    """A GPU type where it can be had; memory and prices are of one."""

    id: Text
    displayName: Text  # noqa: N815 - the wire's own name
    memoryInGb: Whole  # noqa: N815 - the wire's own name
    securePrice: Any = None  # noqa: N815 - the wire's own name
    communityPrice: Any = None  # noqa: N815 - the wire's own name
    lowestPrice: LowestPrice  # noqa: N815 - the wire's own name


class _Stock(BaseModel, strict=True):
    stockStatus: str | None  # noqa: N815 - the wire's own name


class _Stocked(BaseModel, strict=True):
    lowestPrice: _Stock | None  # noqa: N815 - the wire's own name


@dataclass(frozen=True, slots=True)
class Question:
    """So many GPUs in one place: a data centre of the secure cloud, or a country of the community's."""

    count: int
    place: str
    secure: bool

    def variables(self) -> dict[str, object]:
        """As the API wants them."""
        place = "dataCenterId" if self.secure else "countryCode"
        return {"lowestPriceInput": {"gpuCount": self.count, "secureCloud": self.secure, place: self.place}}


class RunPod:
    """Speaks RunPod's GraphQL API."""

    probe_path: Final = "/v2/pods"
    credential_fields: Final = ("api_key",)
    polled_only: Final = True

    async def list_offers(self, call: ListCall) -> Listing:
        """One offer per GPU type, number of them, place and market; one question after the other."""
        questions = await call.wire.send(_asking(call, "Discovery", _DISCOVERY, {}), read_questions)
        answers = [await _prices(call, question) for question in questions]
        return with_spot_prices(joined(answers))

    async def probe(self, call: ListCall) -> None:
        """As the port."""
        await call.wire.send(WireRequest(self.probe_path, bearer(call.credential)), lambda _: None)


async def _prices(call: ListCall, question: Question) -> Listing:
    return await call.wire.send(
        _asking(call, "GpuTypes", _PRICES, question.variables()),
        lambda body: read_prices(body, question, Source(call.provider, "runpod", call.now_ms())),
    )


def _asking(call: ListCall, operation: str, query: str, variables: dict[str, object]) -> WireRequest:
    headers = {"Content-Type": "application/json", **bearer(call.credential)}
    body = json.dumps({"operationName": operation, "query": query, "variables": variables})
    return WireRequest(PATH, headers, "POST", body.encode())


def _data(body: object) -> dict[str, object]:
    """What was asked for; raises `ProviderFailed` where the answer is an error, which comes as a 200."""
    if isinstance(body, dict) and body.get("errors"):
        raise ProviderFailed(FailureKind.UNDECODABLE, "an error in a 200")
    return member(body, "data", dict)


def read_questions(body: object) -> list[Question]:
    """Every place by every number of GPUs that some type can have there; what is malformed is as if not there."""
    data = _data(body)
    types = member(data, "gpuTypes", list)
    centers = [place.id for place in _data_centers(member(data, "dataCenters", list)) if place.listed]
    countries = _names(member(data, "countryCodes", list))
    secure = product(_counts(types, "maxGpuCountSecureCloud"), dict.fromkeys(centers), (True,))
    community = product(_counts(types, "maxGpuCountCommunityCloud"), dict.fromkeys(countries), (False,))
    questions = [Question(*each) for each in (*secure, *community)]
    if len(questions) > QUESTIONS_MAX:
        raise ProviderFailed(FailureKind.UNDECODABLE, f"a sweep of {len(questions)} questions does not end")
    return questions


def _counts(types: list[object], field: str) -> list[int]:
    said = [each.get(field) for each in types if isinstance(each, dict)]
    greatest = max((count for count in said if type(count) is int), default=0)
    return [count for count in COUNTS if count <= greatest]


def _data_centers(rows: list[object]) -> Iterable[DataCenter]:
    for row in rows:
        try:
            yield DataCenter.model_validate(row)
        except ValidationError:
            continue


def _names(rows: list[object]) -> Iterable[str]:
    for row in rows:
        try:
            yield _NAME.validate_python(row, strict=True)
        except ValidationError:
            continue


def read_prices(body: object, asked: Question, source: Source) -> Listing:
    """Normalise the answer to one question; raises `ProviderFailed` where it is no list at all."""
    return read_each(member(_data(body), "gpuTypes", list), lambda item: _read_type(item, asked, source))


def _read_type(wire: object, asked: Question, source: Source) -> Listing:
    stock = _Stocked.model_validate(wire).lowestPrice
    if stock is None or stock.stockStatus is None:
        return NOTHING
    gpus = GpuType.model_validate(wire)
    find_place(source.adapter, asked.place)  # a place that nobody knows counts once, not once a market
    place = _Place(_machine(gpus, asked.count), asked, _availability(gpus), source)
    main = place.offers(*((ON_DEMAND, gpus.securePrice) if asked.secure else (COMMUNITY, gpus.communityPrice)))
    return joined([main, read_each([gpus.lowestPrice.minimumBidPrice], lambda bid: place.offers(SPOT, bid))])


@dataclass(frozen=True, slots=True)
class _Place:
    """A machine where it was asked for."""

    machine: Machine
    asked: Question
    availability: str
    source: Source

    def offers(self, market: str, per_gpu: object) -> Listing:
        """The offer of one market; none where it has no price. Raises one of `MALFORMED`."""
        if per_gpu is None:
            return NOTHING
        price = Fraction(_PRICE.validate_python(per_gpu)) * self.asked.count
        return listed(self.machine.offered(self.source, self.asked.place, price, market, self.availability))


def _availability(gpus: GpuType) -> str:
    try:
        return _STOCK[gpus.lowestPrice.stockStatus]
    except KeyError:
        raise Malformed("an unknown word for stock") from None


def _machine(gpus: GpuType, count: int) -> Machine:
    return Machine(
        provider_offer_id=f"{gpus.id} x{count}",
        name=f"{count}x {gpus.displayName}",
        gpu=first_gpu(gpus.id, gpus.displayName),
        gpu_count=count,
        gpu_memory_gb=Decimal(gpus.memoryInGb),
        vcpus=gpus.lowestPrice.minVcpu,
        ram_gb=Decimal(gpus.lowestPrice.minMemory),
        storage_gb=Decimal(0),
    )
