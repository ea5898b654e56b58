"""Parts of the reference that get wrong what a query keeps, and in what order."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance.pages import PageBook
from reference_gateway.conformance.reads import Reads
from reference_gateway.core.offer import money
from reference_gateway.core.query import Query
from reference_gateway.core.tables.gpus import GPUS

if TYPE_CHECKING:
    from reference_gateway.core.offer import Offer
    from reference_gateway.core.pages import Snapshot


def wrong(name: str, about: str, book: type[PageBook]) -> type[Reads]:
    """The driver with this book; it bears the mistake's name and sentence."""
    opened: dict[str, Any] = {"open_pages": lambda self: book(self.times.snapshot_ms), "kills": "P13"}
    return type(name, (Reads,), {**opened, "__doc__": about})


class _BoundExclusive(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        bounds = {query.min_price, query.max_price}
        return tuple(o for o in super().select(snapshot, query) if money(o.price_per_hour) not in bounds)


class _AnyInsteadOfAll(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        plain, given = Query(), [field.name for field in fields(Query) if field.name not in {"sort", "limit", "cursor"}]
        alone = [
            replace(plain, **{n: getattr(query, n)})
            for n in given
            if n != "providers" and getattr(query, n) != getattr(plain, n)
        ]
        everything = super().select(snapshot, replace(plain, sort=query.sort))
        return tuple(o for o in everything if not alone or any(one.satisfied_by(o) for one in alone))


class _FilterAfterPaging(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        page = super().select(snapshot, Query(sort=query.sort))[: query.limit]
        return tuple(offer for offer in page if query.satisfied_by(offer))


class _OneMatchDropped(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        found = super().select(snapshot, query)
        return found[:-1] if len(found) > 3 else found


class _UnstableSort(PageBook):
    times = 0

    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        self.times += 1
        found = list(super().select(snapshot, query))
        turned = found[:: -1 if self.times % 2 else 1]
        by = {"price": "price_per_hour"}.get(query.sort.removeprefix("-"), query.sort.removeprefix("-"))
        values = {o.id: snapshot.scores[o.id] if by == "score" else getattr(o, by) for o in found}
        return tuple(sorted(turned, key=lambda o: values[o.id], reverse=query.sort.startswith("-")))


class _FamilyByPrefix(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        families = {gpu.family for gpu in GPUS if gpu.name in query.gpu_types}
        begun = {gpu.name for gpu in GPUS if any(gpu.name.startswith(family) for family in families)}
        return super().select(snapshot, replace(query, gpu_types=query.gpu_types | begun))


class _MemoryInAll(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        least = query.min_memory_gb or 0
        found = super().select(snapshot, replace(query, min_memory_gb=None))
        return tuple(offer for offer in found if offer.gpu_memory_gb * offer.gpu_count >= least)


class _DescendingIgnored(PageBook):
    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        return super().select(snapshot, replace(query, sort=query.sort.removeprefix("-")))


MUTANTS: list[Any] = [
    wrong("BoundExclusive", "A price on the bound is dropped.", _BoundExclusive),
    wrong("AnyInsteadOfAll", "One filter that is satisfied is enough.", _AnyInsteadOfAll),
    wrong("FilterAfterPaging", "A page is cut first, and what is on it filtered.", _FilterAfterPaging),
    wrong("OneMatchDropped", "The last of several matches is lost.", _OneMatchDropped),
    wrong("UnstableSort", "Offers with equal values come as it happens.", _UnstableSort),
    wrong("FamilyByPrefix", "A family's members are all whose names begin like it.", _FamilyByPrefix),
    wrong("MemoryInAll", "The memory that is asked for is that of all GPUs together.", _MemoryInAll),
    wrong("DescendingIgnored", "The minus before a sort is cut off.", _DescendingIgnored),
]
