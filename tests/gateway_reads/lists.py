"""Entries of one made-up offer, told apart by their price."""

from __future__ import annotations

from decimal import Decimal

from reference_gateway.core.cache.entry import Entry
from reference_gateway.core.offer import Offer


def offer(cents: int = 101, **other: object) -> Offer:
    fields = {
        "id": "0123456789abcdef", "provider": "p", "provider_offer_id": "one", "name": "One", "gpu_type": "A10",
        "gpu_family": "A10", "gpu_count": 1, "gpu_memory_gb": Decimal(24), "vcpus": 30, "ram_gb": Decimal(200),
        "storage_gb": Decimal("1400.5"), "price_per_hour": Decimal(cents) / 100, "spot_price": None,
        "currency": "USD", "market": "on_demand", "availability": "available", "region": "us-west",
        "provider_region": "us-west-1", "country": "US", "compliance_tags": ("soc2",), "performance": Decimal(125),
        "last_updated_ms": 1, **other,
    }  # fmt: skip # fields in rows, by what they tell
    return Offer(**fields)  # type: ignore[arg-type] # as they stand there


def entry(taken_ms: int = 0, *, took_ms: int = 100, epoch: int = 1, size: int = 10, cents: int = 101) -> Entry:
    return Entry((offer(cents),), size, 5, taken_ms, took_ms, epoch)
