"""Mistakes about what a query keeps, and in what order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.engine.little_offers import GPUS, LittleOffers, Offer, Query, Unknown

if TYPE_CHECKING:
    from gatespec.read_ports import Asked


class LowerBoundExclusive(LittleOffers):
    """A price on the lower bound is dropped."""

    kills = "P13"

    def is_affordable(self, offer: Offer, query: Query) -> bool:
        on_it = "min_price" in query and offer["price_per_hour"] == Decimal(query["min_price"][0])
        return super().is_affordable(offer, query) and not on_it


class UpperBoundExclusive(LittleOffers):
    """A price on the upper bound is dropped."""

    kills = "P13"

    def is_affordable(self, offer: Offer, query: Query) -> bool:
        on_it = "max_price" in query and offer["price_per_hour"] == Decimal(query["max_price"][0])
        return super().is_affordable(offer, query) and not on_it


class BoundPerGpu(LittleOffers):
    """Bounds are held against the price of one GPU."""

    kills = "P13"

    def is_affordable(self, offer: Offer, query: Query) -> bool:
        return super().is_affordable({**offer, "price_per_hour": offer["price_per_gpu_hour"]}, query)


class BoundsInWholeDollars(LittleOffers):
    """The bound's cents are cut off."""

    kills = "P13"

    def is_affordable(self, offer: Offer, query: Query) -> bool:
        cut = {name: [texts[0].partition(".")[0]] for name, texts in query.items() if name.endswith("_price")}
        return super().is_affordable(offer, {**query, **cut})


class AnyInsteadOfAll(LittleOffers):
    """One filter that is satisfied is enough."""

    kills = "P13"

    def satisfies(self, offer: Offer, query: Query) -> bool:
        one_by_one = [{name: texts} for name, texts in query.items() if name not in {"gpu_type", "provider", "sort"}]
        given = [one for one in one_by_one if one != {"models": []} and "limit" not in one]
        return not given or any(super(AnyInsteadOfAll, self).satisfies(offer, one) for one in given)


class LastValueAlone(LittleOffers):
    """Of a filter's several values the last one counts."""

    kills = "P13"

    def query(self, path: str) -> Query:
        found = super().query(path)
        return {name: texts if name == "provider" else texts[-1:] for name, texts in found.items()}


class FilterAfterPaging(LittleOffers):
    """A page is cut first, and what is on it filtered."""

    kills = "P13"

    def kept(self, known: list[Offer], query: Query) -> list[Offer]:
        ordered = self.ordered(known, query.get("sort", ["price"])[0])
        return [o for o in ordered[: int(query.get("limit", ["20"])[0])] if self.satisfies(o, query)]


class OneMatchDropped(LittleOffers):
    """The last of several matches is lost."""

    kills = "P13"

    def kept(self, known: list[Offer], query: Query) -> list[Offer]:
        kept = super().kept(known, query)
        return kept[:-1] if len(kept) > 3 else kept


class UnstableSort(LittleOffers):
    """Offers with equal values come as it happens."""

    kills = "P13"
    times = 0

    def kept(self, known: list[Offer], query: Query) -> list[Offer]:
        self.times += 1
        return super().kept(known, query)

    def tie(self, offer: Offer) -> Any:  # noqa: ANN401 - whatever can be compared
        return offer["id"][self.times % 8 :]


class PagesSortedAnew(LittleOffers):
    """Each page is cut from a list that is put in order again, its ties as it happens."""

    kills = "P13"

    def turn(self, asked: Asked, query: Query, cursor: str) -> None:
        snapshot, _, start = cursor.partition("-")
        kept, warnings = self.snapshots[snapshot]
        by = query.get("sort", ["price"])[0].removeprefix("-")
        field = {"price": "price_per_hour"}.get(by, by)
        anew = sorted(kept, key=lambda o: (kept.index(next(k for k in kept if k[field] == o[field])), o["id"][3:]))
        self.page(asked, query, anew, warnings, int(start))


class FamilyByPrefix(LittleOffers):
    """A family's members are all whose names begin like it."""

    kills = "P13"

    def models(self, word: str) -> list[str]:
        names = [row["name"] for row in GPUS if row["name"].startswith(word)]
        if not names:
            raise Unknown
        return names


class FamilyIsTheBareModel(LittleOffers):
    """A family means the one model that has its name, where there is one."""

    kills = "P13"

    def models(self, word: str) -> list[str]:
        super().models(word)
        return [row["name"] for row in GPUS if row["name"] == word or row["name"].startswith(f"{word}-")][:1]


class UnknownGpuMeansNone(LittleOffers):
    """A GPU that nobody knows is answered with a list of nothing."""

    kills = "P13"

    def models(self, word: str) -> list[str]:
        try:
            return super().models(word)
        except Unknown:
            return ["none"]


class DescendingIgnored(LittleOffers):
    """The minus before a sort is cut off."""

    kills = "P13"

    def ordered(self, chosen: list[Offer], sort: str) -> list[Offer]:
        return super().ordered(chosen, sort.removeprefix("-"))


class SortedAsText(LittleOffers):
    """Prices are put in order as text: 10 comes before 9."""

    kills = "P13"

    def ordered(self, chosen: list[Offer], sort: str) -> list[Offer]:
        if sort == "performance":
            return sorted(chosen, key=lambda offer: (str(offer["performance"]), offer["id"]))
        return super().ordered(chosen, sort)


class ScoreSortsByPrice(LittleOffers):
    """Whoever asks for the best gets the cheapest."""

    kills = "P13"

    def ordered(self, chosen: list[Offer], sort: str) -> list[Offer]:
        return super().ordered(chosen, sort.replace("score", "price"))


class MemoryInAll(LittleOffers):
    """The memory that is asked for is that of all GPUs together."""

    kills = "P13"

    def memory_of(self, offer: Offer) -> int:
        return int(super().memory_of(offer) * offer["gpu_count"])


class CountExactly(LittleOffers):
    """The least number of GPUs is the only one."""

    kills = "P13"

    def satisfies(self, offer: Offer, query: Query) -> bool:
        wanted = query.get("min_gpu_count", [str(offer["gpu_count"])])[0]
        return super().satisfies(offer, query) and (wanted == "0" or int(wanted) == offer["gpu_count"])


class TotalOfThePage(LittleOffers):
    """The total counts what is on the page."""

    kills = "P13"

    def total(self, kept: list[Offer], start: int, limit: int) -> int:
        return len(kept[start : start + limit])


class PageSkipsOne(LittleOffers):
    """The offer on the edge of two pages is on neither."""

    kills = "P13"

    def turn(self, asked: Asked, query: Query, cursor: str) -> None:
        snapshot, _, start = cursor.partition("-")
        super().turn(asked, query, f"{snapshot}-{int(start) + 1}")


class PageRepeatsOne(LittleOffers):
    """The offer on the edge of two pages is on both."""

    kills = "P13"

    def turn(self, asked: Asked, query: Query, cursor: str) -> None:
        snapshot, _, start = cursor.partition("-")
        kept, warnings = self.snapshots[snapshot]
        limit = int(query.get("limit", ["20"])[0])
        begins = int(start) - 1 if int(start) + limit > len(kept) else int(start)
        self.page(asked, query, kept, warnings, begins)


class AliasIgnored(LittleOffers):
    """`gpu` filters nothing."""

    kills = "P13"

    def query(self, path: str) -> Query:
        return super().query(path.replace("&gpu=", "&x="))


class PerPageIgnored(LittleOffers):
    """`per_page` limits nothing."""

    kills = "P13"

    def query(self, path: str) -> Query:
        return super().query(path.replace("per_page=", "x="))


class TagIgnored(LittleOffers):
    """Compliance is no filter: nobody says anything of it."""

    kills = "P13"

    def query(self, path: str) -> Query:
        return super().query(path.replace("compliance_tag=", "x="))


class AvailabilityIgnored(LittleOffers):
    """Everything listed is for rent, so nobody filters by it."""

    kills = "P13"

    def query(self, path: str) -> Query:
        return super().query(path.replace("availability=", "x="))


MUTANTS: list[Any] = [
    LowerBoundExclusive,
    UpperBoundExclusive,
    BoundPerGpu,
    BoundsInWholeDollars,
    AnyInsteadOfAll,
    LastValueAlone,
    FilterAfterPaging,
    OneMatchDropped,
    UnstableSort,
    PagesSortedAnew,
    FamilyByPrefix,
    FamilyIsTheBareModel,
    UnknownGpuMeansNone,
    DescendingIgnored,
    SortedAsText,
    ScoreSortsByPrice,
    MemoryInAll,
    CountExactly,
    TotalOfThePage,
    PageSkipsOne,
    PageRepeatsOne,
    AliasIgnored,
    PerPageIgnored,
    TagIgnored,
    AvailabilityIgnored,
]
