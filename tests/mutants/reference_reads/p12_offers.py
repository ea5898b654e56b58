"""Parts of the reference that get wrong what an item means."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance.reads import Reads
from reference_gateway.core.offer import Offer, offer_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.pages import Moment


class _Altered(Reads):
    """Every offer goes through one more hand before it is shown."""

    def moment(self, shown: Sequence[Shown]) -> Moment:
        known = super().moment(shown)
        lists = [each._replace(offers=tuple(map(self.altered, each.offers))) for each in known.lists]
        return known._replace(lists=tuple(lists))

    def altered(self, offer: Offer) -> Offer:
        raise NotImplementedError


class PerGpuForPerBox(_Altered):
    """The price of one GPU is taken for the box's."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, price_per_hour=Fraction(offer.price_per_hour) / offer.gpu_count)


class CentsForDollars(_Altered):
    """Cents are shown as dollars."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, price_per_hour=offer.price_per_hour * 100)


class TotalMemory(_Altered):
    """The memory of all GPUs is shown for that of one."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, gpu_memory_gb=offer.gpu_memory_gb * offer.gpu_count)


class FloatNoise(_Altered):
    """A price goes through a binary fraction, and comes back a millionth off where it was halfway."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, price_per_hour=Decimal(float(offer.price_per_hour) * 1.0000001))


class SpotPriceForgotten(_Altered):
    """What the machine costs at spot is not said beside it."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, spot_price=None)


class RegionDroppedFromTheId(_Altered):
    """Machines of all regions are one offer."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, id=offer_id(offer.provider, offer.provider_offer_id, "", offer.market))


class MarketsAreOne(_Altered):
    """Spot machines are shown as on demand."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, market="on_demand")


class AlwaysAvailable(_Altered):
    """What is listed is taken to be for rent."""

    kills = "P12"

    def altered(self, offer: Offer) -> Offer:
        return replace(offer, availability="available")


MUTANTS: list[Any] = [
    PerGpuForPerBox,
    CentsForDollars,
    TotalMemory,
    FloatNoise,
    SpotPriceForgotten,
    RegionDroppedFromTheId,
    MarketsAreOne,
    AlwaysAvailable,
]


def oldest_wins(offers: Iterable[Offer]) -> list[Offer]:
    """Of what a list says twice, the first counts, though a later page is newer."""
    found: dict[str, Offer] = {}
    for offer in offers:
        found.setdefault(offer.id, offer)
    return list(found.values())
