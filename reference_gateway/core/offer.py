"""An offer: one rentable machine type at one provider, region and market.

Money stays exact until it is shown: a `Decimal` as the provider said it, a `Fraction` where GPUs share it, and one
half-even rounding in `money`. A float would let two prices that differ in a late digit change places.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MONEY_DECIMALS: Final = 6
"""Decimals of money as shown; contract section 4."""

ID_HEX_DIGITS: Final = 16
"""Hex digits of an offer's id: 64 bits keep a million offers apart."""

CURRENCY: Final = "USD"
AVAILABILITIES: Final = ("available", "limited", "unavailable")
MARKETS: Final = ("on_demand", "spot", "community")

_MILLIONTH = Decimal(1).scaleb(-MONEY_DECIMALS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)  # a price with more than 54 digits before the point is refused
_PLAIN = json.JSONEncoder(ensure_ascii=False)

Amount = Decimal | Fraction
"""Money before it is shown, exact."""

Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
"""What an answer is made of; there is no float in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The normalised offer; field for field that of the contract's section 7.

    `gpu_memory_gb` is per GPU; `vcpus`, `ram_gb`, `storage_gb`, `price_per_hour`, `spot_price` (USD) and `performance`
    (dense FP16 TFLOPS) are of the whole offer; `last_updated_ms` is when the provider said so, in ms since 1970.
    """

    id: str
    provider: str
    provider_offer_id: str
    name: str
    gpu_type: str
    gpu_family: str
    gpu_count: int
    gpu_memory_gb: Decimal
    vcpus: int
    ram_gb: Decimal
    storage_gb: Decimal
    price_per_hour: Amount
    spot_price: Amount | None
    currency: str
    market: str
    availability: str
    region: str
    provider_region: str
    country: str
    compliance_tags: tuple[str, ...]
    performance: Decimal
    last_updated_ms: int

    @property
    def price_per_gpu_hour(self) -> Fraction:
        """USD per GPU and hour, exact: a third of a dollar has no decimal."""
        return Fraction(self.price_per_hour) / self.gpu_count


def offer_id(provider: str, provider_offer_id: str, provider_region: str, market: str) -> str:
    """The first 16 hex digits of SHA-256 over the four, newline-joined."""
    joined = f"{provider}\n{provider_offer_id}\n{provider_region}\n{market}"
    return hashlib.sha256(joined.encode()).hexdigest()[:ID_HEX_DIGITS]


def money(amount: Amount) -> Decimal:
    """Round `amount` to 6 decimals, half-even, for showing; do it once, and last."""
    if isinstance(amount, Decimal):
        return amount.quantize(_MILLIONTH, context=_EXACT)
    return Decimal(round(amount * 10**MONEY_DECIMALS)).scaleb(-MONEY_DECIMALS, _EXACT)


def timestamp(moment_ms: int) -> str:
    """RFC 3339 in UTC, to the millisecond, of a moment in ms since 1970."""
    moment = _EPOCH + timedelta(milliseconds=moment_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(offer: Offer) -> dict[str, Json]:
    """Name the fields as the contract does, money rounded; all but `score`, which belongs to an answer."""
    return {
        "id": offer.id,
        "provider": offer.provider,
        "provider_offer_id": offer.provider_offer_id,
        "name": offer.name,
        "gpu_type": offer.gpu_type,
        "gpu_family": offer.gpu_family,
        "gpu_count": offer.gpu_count,
        "gpu_memory_gb": offer.gpu_memory_gb,
        "vcpus": offer.vcpus,
        "ram_gb": offer.ram_gb,
        "storage_gb": offer.storage_gb,
        "price_per_hour": money(offer.price_per_hour),
        "price_per_gpu_hour": money(offer.price_per_gpu_hour),
        "spot_price": None if offer.spot_price is None else money(offer.spot_price),
        "currency": offer.currency,
        "market": offer.market,
        "availability": offer.availability,
        "region": offer.region,
        "provider_region": offer.provider_region,
        "country": offer.country,
        "compliance_tags": list(offer.compliance_tags),
        "performance": offer.performance,
        "last_updated": timestamp(offer.last_updated_ms),
    }


def json_text(value: Json) -> str:
    """Write `value` as JSON; a `Decimal` becomes its own digits, which `json.dumps` would only do by way of a float."""
    if isinstance(value, Decimal):
        return _digits(value)
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return _array(value)
    return _PLAIN.encode(value)


def _object(members: Mapping[str, Json]) -> str:
    return "{" + ",".join(f"{_PLAIN.encode(name)}:{json_text(value)}" for name, value in members.items()) + "}"


def _array(values: Sequence[Json]) -> str:
    return "[" + ",".join(map(json_text, values)) + "]"


def _digits(number: Decimal) -> str:
    """Without exponent and without trailing zeros: `2.30` and `2.3` are one body, hence one ETag."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
