"""A query: which offers satisfy it, in what order, and which page of them.

Prices are compared as they are shown (rounded once), so that whoever reads an answer can check it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from reference_gateway.core.offer import json_text, money
from reference_gateway.core.ranking import scores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reference_gateway.core.offer import Json, Offer

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
"""Offers on a page."""

SORTS: Final = ("price", "-price", "performance", "-performance", "score", "-score")


@dataclass(frozen=True, slots=True)
class Query:
    """Every filter of the list, its order and its page; an empty set or None asks for nothing.

    `gpu_types` are canonical names. Prices are in USD per hour of the whole offer, inclusive; memory is in GB per GPU.
    """

    gpu_types: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    availability: frozenset[str] = frozenset()
    compliance_tags: frozenset[str] = frozenset()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_memory_gb: Decimal | None = None
    min_gpu_count: int | None = None
    sort: str = "price"
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None

    def cache_key(self) -> str:
        """One text for every spelling of the same page: order, repeats, aliases and trailing zeros are gone."""
        return json_text({field.name: _normal(getattr(self, field.name)) for field in fields(self)})

    def question(self) -> str:
        """What all pages have in common: the filters and the order."""
        return replace(self, limit=LIMIT_DEFAULT, cursor=None).cache_key()

    def satisfied_by(self, offer: Offer) -> bool:
        """Whether `offer` passes every filter."""
        return (
            _among(offer.gpu_type, self.gpu_types)
            and _among(offer.provider, self.providers)
            and _among(offer.region, self.regions)
            and _among(offer.availability, self.availability)
            and self.compliance_tags.issubset(offer.compliance_tags)
            and self._affordable(offer)
            and (self.min_memory_gb is None or offer.gpu_memory_gb >= self.min_memory_gb)
            and (self.min_gpu_count is None or offer.gpu_count >= self.min_gpu_count)
        )

    def _affordable(self, offer: Offer) -> bool:
        price = money(offer.price_per_hour)
        return (self.min_price is None or self.min_price <= price) and (
            self.max_price is None or price <= self.max_price
        )


def _normal(value: object) -> Json:
    if isinstance(value, frozenset):
        return sorted(value)
    return value if value is None or isinstance(value, Decimal | int) else str(value)


def _among(value: str, asked: frozenset[str]) -> bool:
    return not asked or value in asked


def select(offers: Sequence[Offer], query: Query) -> list[Offer]:
    """Those of the snapshot's `offers` that satisfy `query`, in its order: ties go by id, in either direction."""
    return order([offer for offer in offers if query.satisfied_by(offer)], query.sort, scores_of(offers))


def order(offers: Sequence[Offer], sort: str, scores: Mapping[str, Decimal]) -> list[Offer]:
    """Sort by one of `SORTS`, given each offer's score by id."""
    keys: Mapping[str, Callable[[Offer], Decimal]] = {
        "price": lambda offer: money(offer.price_per_hour),
        "performance": lambda offer: offer.performance,
        "score": lambda offer: scores[offer.id],
    }
    key, sign = keys[sort.removeprefix("-")], -1 if sort.startswith("-") else 1
    return sorted(offers, key=lambda offer: (sign * key(offer), offer.id))
