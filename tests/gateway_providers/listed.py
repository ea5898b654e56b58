"""Offers as one provider's list, and the whole answer over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.pages import Page, ProviderList, moment_of, page_body, snapshot_of, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.offer import Offer
    from reference_gateway.core.offers import AnswerWarning
    from reference_gateway.core.query import Query

EVERY = 10**6
"""A limit that is none."""


def listing(offers: Sequence[Offer], as_of_ms: int = 0, provider: str = "lambda") -> ProviderList:
    return ProviderList(provider, version_of(as_of_ms, offers), as_of_ms, tuple(offers))


def listed(offers: Sequence[Offer], query: Query, as_of_ms: int = 0, warnings: Sequence[AnswerWarning] = ()) -> bytes:
    """All that `query` selects, on one page."""
    snapshot = snapshot_of(moment_of([listing(offers, as_of_ms)], warnings, as_of_ms))
    return page_body(Page(snapshot, snapshot.select(query), 0, EVERY), None)
