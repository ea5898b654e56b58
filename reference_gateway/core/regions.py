"""Canonical regions: what the providers' names mean."""

from __future__ import annotations

from reference_gateway.core.tables.regions import PLACES, REGIONS, Place

__all__ = ["REGIONS", "Place", "UnknownRegion", "find_place"]


class UnknownRegion(LookupError):  # noqa: N818 - the pair of UnknownGpu
    """A region that the table does not have."""


def find_place(adapter: str, provider_region: str) -> Place:
    """Where `provider_region`, in the words of the API that `adapter` speaks, lies; raises `UnknownRegion`."""
    try:
        return PLACES[adapter][provider_region]
    except KeyError:
        raise UnknownRegion(provider_region) from None
