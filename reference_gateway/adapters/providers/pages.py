"""Lists that come in pages: each page once, as many as a list can have, and one list in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed, WireRequest
from reference_gateway.adapters.providers.reading import joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.providers.port import ListCall

PAGES_MAX: Final = 100
"""Of one document: the longest real one known has 3, at 500 items a page."""

CURSOR_LENGTH_MAX: Final = 500
"""Characters; a longer one is refused by whoever wrote it, as a part of an address."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page lists, and what to ask for the next; None: it was the last."""

    listing: Listing
    following: WireRequest | None


async def list_pages(call: ListCall, first: WireRequest, read: Callable[[object], Page]) -> Listing:
    """Ask from `first` on until no page follows; raises `ProviderFailed` where the pages turn in a circle."""
    asked: set[str] = set()
    found: list[Listing] = []
    following: WireRequest | None = first
    while following is not None:
        if following.path in asked or len(asked) == PAGES_MAX:
            raise ProviderFailed(FailureKind.UNDECODABLE, f"its pages do not end, after {len(asked)}")
        asked.add(following.path)
        page = await call.wire.send(following, read)
        found.append(page.listing)
        following = page.following
    return joined(found)
