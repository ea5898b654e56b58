"""Offers, lists and queries to draw."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

from hypothesis import strategies as st

from reference_gateway.core.offer import Offer, offer_id
from reference_gateway.core.pages import ProviderList, version_of
from reference_gateway.core.query import SORTS, Query

NOW_MS = 1_764_000_000_000
GPUS = (("A10", "A10", "24"), ("H100-SXM", "H100", "80"), ("H100-PCIe", "H100", "80"))
PLACES = (("us-west", "US"), ("eu-west", "IE"), ("eu-west", "FR"))
PRICES = ("0.5", "1", "1.0000005", "2.5")

_SPOT = st.none() | st.sampled_from(PRICES).map(Decimal)


def offers(provider: str) -> st.SearchStrategy[tuple[Offer, ...]]:
    """Up to 40 of one provider, no id twice."""
    columns = st.tuples(
        st.sampled_from(GPUS),
        st.sampled_from(PLACES),
        st.sampled_from(PRICES),
        st.integers(1, 8),
        _SPOT,
        st.sampled_from(("available", "limited")),
    )
    return st.lists(columns, max_size=40).map(
        lambda rows: tuple(offer(provider, number, *row) for number, row in enumerate(rows))
    )


def offer(  # noqa: PLR0913, PLR0917 - what may differ between two
    provider: str,
    number: int,
    gpu: tuple[str, str, str] = GPUS[0],
    place: tuple[str, str] = PLACES[0],
    price: str = "1",
    gpus: int = 1,
    spot: Decimal | None = None,
    availability: str = "available",
) -> Offer:
    return Offer(
        id=offer_id(provider, str(number), "r", "on_demand"),
        provider=provider,
        provider_offer_id=str(number),
        name=f'{number}x "\N{EURO SIGN}"',
        gpu_type=gpu[0],
        gpu_family=gpu[1],
        gpu_count=gpus,
        gpu_memory_gb=Decimal(gpu[2]),
        vcpus=1,
        ram_gb=Decimal("1.50"),
        storage_gb=Decimal(1),
        price_per_hour=Decimal(price),
        spot_price=spot,
        currency="USD",
        market="on_demand",
        availability=availability,
        region=place[0],
        provider_region="r",
        country=place[1],
        compliance_tags=("gdpr",) * (number % 2),
        performance=Decimal(100) * gpus,
        last_updated_ms=NOW_MS,
    )


def list_of(provider: str, some: tuple[Offer, ...], as_of_ms: int = NOW_MS) -> ProviderList:
    return ProviderList(provider, version_of(as_of_ms, some), as_of_ms, some)


@st.composite
def lists(draw: st.DrawFn) -> tuple[ProviderList, ...]:
    """Of up to three providers, of different moments."""
    names = [f"lambda-{number}" for number in range(draw(st.integers(0, 3)))]
    return tuple(list_of(name, draw(offers(name)), NOW_MS + place * 1000) for name, place in zip(names, count()))


def queries() -> st.SearchStrategy[Query]:
    return st.builds(
        Query,
        gpu_types=st.frozensets(st.sampled_from([gpu[0] for gpu in GPUS]), max_size=2),
        regions=st.frozensets(st.sampled_from([place[0] for place in PLACES]), max_size=1),
        max_price=st.none() | st.sampled_from(PRICES).map(Decimal),
        sort=st.sampled_from(SORTS),
        limit=st.integers(1, 100),
    )
