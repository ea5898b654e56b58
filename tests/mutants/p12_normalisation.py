"""Mistakes about what an item means."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.engine.little_offers import MILLIONTH, LittleOffers, Malformed, Offer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from gatespec.read_ports import Upstream


class PerGpuForPerBox(LittleOffers):
    """The price on the wire is taken for one GPU's."""

    kills = "P12"

    def usd(self, cents: int, count: int) -> Fraction:
        return super().usd(cents, count) * max(1, count)


class CentsForDollars(LittleOffers):
    """The unit is overlooked."""

    kills = "P12"

    def usd(self, cents: int, count: int) -> Fraction:
        return super().usd(cents, count) * 100


class TotalMemory(LittleOffers):
    """The memory of all GPUs is shown for that of one."""

    kills = "P12"

    def memory(self, described: str, gpu: Mapping[str, Any], count: int) -> int:
        return super().memory(described, gpu, count) * max(1, count)


class NullKillsThePage(LittleOffers):
    """A null where a price should be fails the whole list."""

    kills = "P12"

    def heard(self, name: str, met: Upstream) -> int | None:
        listed = super().heard(name, met)
        return None if b'"price_cents_per_hour": null' in met.body else listed


class NonsenseKillsThePage(LittleOffers):
    """An item that is no object fails the whole list."""

    kills = "P12"

    def heard(self, name: str, met: Upstream) -> int | None:
        listed = super().heard(name, met)
        if listed is None or all(isinstance(item, dict) for item in json.loads(met.body)["data"].values()):
            return listed
        return None


class MalformedEndsTheList(LittleOffers):
    """What comes after a malformed item is not read."""

    kills = "P12"

    def heard(self, name: str, met: Upstream) -> int | None:
        self.ended = False
        return super().heard(name, met)

    def read_item(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        return [] if self.ended else super().read_item(name, item)

    def malformed(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        self.ended = True
        return super().malformed(name, item)


class FloatNoise(LittleOffers):
    """Prices are floats, shown as they are."""

    kills = "P12"

    def shown(self, usd: Fraction) -> Decimal:
        return Decimal(repr(float(usd)))


class RoundedHalfUp(LittleOffers):
    """A tie goes up, whatever stands before it."""

    kills = "P12"

    def shown(self, usd: Fraction) -> Decimal:
        return (Decimal(usd.numerator) / usd.denominator).quantize(MILLIONTH, ROUND_HALF_UP)


class RoundedToCents(LittleOffers):
    """Money has two decimals."""

    kills = "P12"

    def shown(self, usd: Fraction) -> Decimal:
        return super().shown(usd).quantize(Decimal("0.01"))


class _PriceTakenFor(LittleOffers):
    """A price that is none is taken for one."""

    def malformed(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        try:
            kind = item["instance_type"]
            taken = {**kind, "price_cents_per_hour": self.taken(kind.get("price_cents_per_hour"))}
        except (TypeError, KeyError, AttributeError, ValueError, Malformed):
            return []
        return self.read_item(name, {**item, "instance_type": taken})

    def taken(self, price: Any) -> int:  # noqa: ANN401 - JSON
        raise NotImplementedError


class MalformedPassedOn(_PriceTakenFor):
    """A price below zero is shown as one above."""

    kills = "P12"

    def taken(self, price: Any) -> int:  # noqa: ANN401 - JSON
        if type(price) is not int or price >= 0:
            raise Malformed
        return -price


class NothingIsAPrice(_PriceTakenFor):
    """Whatever costs nothing is shown, at the least price there is."""

    kills = "P12"

    def taken(self, price: Any) -> int:  # noqa: ANN401 - JSON
        if price != 0 or isinstance(price, bool):
            raise Malformed
        return 1


class TextIsAPrice(_PriceTakenFor):
    """A number in text is read as one."""

    kills = "P12"

    def taken(self, price: Any) -> int:  # noqa: ANN401 - JSON
        if not isinstance(price, str):
            raise Malformed
        return int(price)


class TrueIsAPrice(_PriceTakenFor):
    """The language calls `true` 1."""

    kills = "P12"

    def taken(self, price: Any) -> int:  # noqa: ANN401 - JSON
        if price is not True:
            raise Malformed
        return 1


class RepeatedPassedOn(LittleOffers):
    """What comes twice is shown twice."""

    kills = "P12"

    def merge(self, offers: list[Offer]) -> list[Offer]:
        return offers


class RegionDroppedFromTheId(LittleOffers):
    """Machines of all regions are one offer."""

    kills = "P12"
    identity = ("provider", "provider_offer_id", "market")


class MarketDroppedFromTheId(LittleOffers):
    """The id says nothing of the market."""

    kills = "P12"
    identity = ("provider", "provider_offer_id", "provider_region")


class AliasNotResolved(LittleOffers):
    """The GPU is called as its provider calls it."""

    kills = "P12"

    def gpu(self, described: str) -> Mapping[str, Any]:
        return {**super().gpu(described), "name": described}


class RegionNotResolved(LittleOffers):
    """The region is called as its provider calls it."""

    kills = "P12"

    def placed(self, provider: str, made: Offer, place: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        return [{**offer, "region": offer["provider_region"]} for offer in super().placed(provider, made, place)]


class OneRegionOfEach(LittleOffers):
    """Of a machine's regions the first alone is shown."""

    kills = "P12"

    def read_item(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        return super().read_item(name, item)[:1]


class PerformanceOfOne(LittleOffers):
    """The offer's performance is that of one GPU."""

    kills = "P12"

    def machine(self, kind: Any) -> Offer:  # noqa: ANN401 - JSON
        made = super().machine(kind)
        return {**made, "performance": made["performance"] / max(1, made["gpu_count"])}


class MoneyInText(LittleOffers):
    """So that nothing is lost, prices are written as text."""

    kills = "P12"

    def written(self, body: Any) -> bytes:  # noqa: ANN401 - JSON
        for offer in body.get("items", ()):
            offer["price_per_hour"] = str(offer["price_per_hour"])
        return super().written(body)


class NullLeftAway(LittleOffers):
    """A field that is null is not shown."""

    kills = "P12"

    def written(self, body: Any) -> bytes:  # noqa: ANN401 - JSON
        shown = [{name: v for name, v in offer.items() if v is not None} for offer in body.get("items", ())]
        return super().written({**body, "items": shown} if shown else body)


class FirstUnknownRegionSpoilsAll(LittleOffers):
    """A region that nobody knows takes the machine's other regions with it."""

    kills = "P12"

    def read_item(self, name: str, item: Any) -> list[Offer]:  # noqa: ANN401 - JSON
        offers = super().read_item(name, item)
        listed = item.get("regions_with_capacity_available") if isinstance(item, dict) else None
        return offers if listed and len(offers) == len(listed) else []


MUTANTS: list[Any] = [
    PerGpuForPerBox,
    CentsForDollars,
    TotalMemory,
    NullKillsThePage,
    NonsenseKillsThePage,
    MalformedEndsTheList,
    FloatNoise,
    RoundedHalfUp,
    RoundedToCents,
    MalformedPassedOn,
    NothingIsAPrice,
    TextIsAPrice,
    TrueIsAPrice,
    RepeatedPassedOn,
    RegionDroppedFromTheId,
    MarketDroppedFromTheId,
    AliasNotResolved,
    RegionNotResolved,
    OneRegionOfEach,
    PerformanceOfOne,
    MoneyInText,
    NullLeftAway,
    FirstUnknownRegionSpoilsAll,
]
