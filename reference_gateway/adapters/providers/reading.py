"""How every list is read: a whole body is a list or a failed call, and a bad item costs nobody but itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import ValidationError

from reference_gateway.adapters.providers.port import FailureKind, Listing, ProviderFailed
from reference_gateway.core.gpus import UnknownGpu
from reference_gateway.core.offers import merge
from reference_gateway.core.regions import UnknownRegion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reference_gateway.core.offer import Offer

Kind = TypeVar("Kind", bound="dict[str, object] | list[object]")
Item = TypeVar("Item")


class Malformed(ValueError):  # noqa: N818 - what it is, not that it is an error: the call goes on
    """A thing that has the documented types, and yet cannot be meant."""


MALFORMED: Final = (ValidationError, Malformed, UnknownGpu, UnknownRegion)
"""For what an item, or a part of one, is left out and counted."""


def member(body: object, name: str, kind: type[Kind]) -> Kind:
    """What a decoded body calls `name`; raises `ProviderFailed` where it has none, or of another kind."""
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, kind):
        what = "object" if kind is dict else "array"
        raise ProviderFailed(FailureKind.UNDECODABLE, f"the body has no {what} `{name}`")
    return found


def array(body: object) -> list[object]:
    """A decoded body that is itself the array; raises `ProviderFailed` where it is none."""
    if not isinstance(body, list):
        raise ProviderFailed(FailureKind.UNDECODABLE, "the body is no array")
    return body


def read_each(items: Iterable[Item], read: Callable[[Item], Listing]) -> Listing:
    """All that the items list; one that `read` finds malformed as a whole is left out, and counts once."""
    return joined(_read_one(item, read) for item in items)


def _read_one(item: Item, read: Callable[[Item], Listing]) -> Listing:
    try:
        return read(item)
    except MALFORMED:
        return LEFT_OUT


NOTHING: Final = Listing((), 0)
"""Of a thing that is no offer, and no mistake."""

LEFT_OUT: Final = Listing((), 1)


def listed(*offers: Offer) -> Listing:
    """Nothing but these, and nothing left out."""
    return Listing(offers, 0)


def joined(listings: Iterable[Listing]) -> Listing:
    """Several lists as one; of an offer that stands in many the later counts."""
    offers: list[Offer] = []
    left_out = 0
    for listing in listings:
        offers += listing.offers
        left_out += listing.left_out
    return Listing(tuple(merge(offers)), left_out)
