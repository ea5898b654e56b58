"""The gateway's own copy of the region table; the contract's is compared with it from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Place:
    """A canonical region, and the country (ISO 3166-1 alpha-2) in it."""

    region: str
    country: str


REGIONS: frozenset[str] = frozenset(
    {
        "us-west",
        "us-midwest",
        "us-south",
        "us-east",
        "ca-central",
        "sa-east",
        "eu-west",
        "eu-central",
        "eu-north",
        "eu-south",
        "me-west",
        "me-central",
        "ap-south",
        "ap-northeast",
        "ap-southeast",
    }
)

PLACES: Mapping[str, Mapping[str, Place]] = {
    "lambda": {
        "us-west-1": Place("us-west", "US"),
        "us-west-2": Place("us-west", "US"),
        "us-west-3": Place("us-west", "US"),
        "us-midwest-1": Place("us-midwest", "US"),
        "us-midwest-2": Place("us-midwest", "US"),
        "us-south-1": Place("us-south", "US"),
        "us-south-2": Place("us-south", "US"),
        "us-south-3": Place("us-south", "US"),
        "us-east-1": Place("us-east", "US"),
        "us-east-2": Place("us-east", "US"),
        "us-east-3": Place("us-east", "US"),
        "europe-central-1": Place("eu-central", "DE"),
        "asia-south-1": Place("ap-south", "IN"),
        "asia-northeast-1": Place("ap-northeast", "JP"),
        "asia-northeast-2": Place("ap-northeast", "JP"),
        "me-west-1": Place("me-west", "IL"),
        "australia-east-1": Place("ap-southeast", "AU"),
    },
}
"""By adapter, then by the provider's own name of the region, compared as the wire has it."""
