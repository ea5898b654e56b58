"""From a machine as some API says it to offers: the last step, which is the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reference_gateway.adapters.providers.fields import PRICE_MAX_USD, PRICE_MIN_USD
from reference_gateway.adapters.providers.port import Listing
from reference_gateway.adapters.providers.reading import Malformed
from reference_gateway.core.gpus import UnknownGpu, find_gpu
from reference_gateway.core.offer import CURRENCY, Offer, offer_id
from reference_gateway.core.regions import find_place

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from reference_gateway.core.gpus import Gpu
    from reference_gateway.core.offer import Amount

ON_DEMAND: Final = "on_demand"
SPOT: Final = "spot"
COMMUNITY: Final = "community"


@dataclass(frozen=True, slots=True)
class Source:
    """Whose list is read, in the words of which adapter, and the moment that it is of (ms since 1970)."""

    provider: str
    adapter: str
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine type but for where and for how much it is rented; units as in `Offer`."""

    provider_offer_id: str
    name: str
    gpu: Gpu
    gpu_count: int
    gpu_memory_gb: Decimal
    vcpus: int
    ram_gb: Decimal
    storage_gb: Decimal
    performance: Decimal | None = None
    """Where it is not that of `gpu_count` whole GPUs."""

    def offered(
        self, source: Source, region: str, price: Amount, market: str = ON_DEMAND, availability: str = "available"
    ) -> Offer:
        """The offer in a region by its API's name; raises `UnknownRegion`, and `Malformed` for what is no price."""
        place = find_place(source.adapter, region)
        whole = self.gpu_count * self.gpu.fp16_tflops
        return Offer(
            id=offer_id(source.provider, self.provider_offer_id, region, market),
            provider=source.provider,
            provider_offer_id=self.provider_offer_id,
            name=self.name,
            gpu_type=self.gpu.name,
            gpu_family=self.gpu.family,
            gpu_count=self.gpu_count,
            gpu_memory_gb=self.gpu_memory_gb,
            vcpus=self.vcpus,
            ram_gb=self.ram_gb,
            storage_gb=self.storage_gb,
            price_per_hour=checked(price),
            spot_price=None,
            currency=CURRENCY,
            market=market,
            availability=availability,
            region=place.region,
            provider_region=region,
            country=place.country,
            compliance_tags=(),
            performance=whole if self.performance is None else self.performance,
            last_updated_ms=source.now_ms,
        )


def checked(price: Amount) -> Amount:
    """The price (USD an hour, of the whole offer) if it can be one; raises `Malformed`."""
    if not PRICE_MIN_USD <= price <= PRICE_MAX_USD:
        raise Malformed("the price is out of all bounds")
    return price


def first_gpu(*spellings: str) -> Gpu:
    """The model that the first spelling with a meaning means; raises `UnknownGpu` where none has one."""
    for spelling in spellings[:-1]:
        try:
            return find_gpu(spelling)
        except UnknownGpu:
            continue
    return find_gpu(spellings[-1])


def with_spot_prices(listing: Listing) -> Listing:
    """Tell of each offer but spot ones what the same machine costs there as spot; for a list that is whole."""
    spot = {_where(offer): offer.price_per_hour for offer in listing.offers if offer.market == SPOT}
    return Listing(tuple(_beside(offer, spot.get) for offer in listing.offers), listing.left_out)


def _where(offer: Offer) -> tuple[str, str]:
    return offer.provider_offer_id, offer.provider_region


def _beside(offer: Offer, spot_price: Callable[[tuple[str, str]], Amount | None]) -> Offer:
    price = None if offer.market == SPOT else spot_price(_where(offer))
    return offer if price is None else replace(offer, spot_price=price)
