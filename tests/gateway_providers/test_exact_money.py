"""Money that no decimal holds: a fraction from the wire to the moment it is shown."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from reference_gateway.adapters.redis.stored_offers import decode, encode
from reference_gateway.core.offer import as_json, money
from reference_gateway.core.query import Query, order, select
from reference_gateway.core.ranking import scores_of
from tests.gateway_providers.played import Calls
from tests.gateway_providers.tables import TableProvider, load

VAST = load("vastai")
OFFERS = Calls(TableProvider(VAST, VAST.items)).list_offers().offers


def test_what_is_stored_is_read_back_as_exact() -> None:
    assert any(
        isinstance(offer.price_per_hour, Fraction) and offer.price_per_hour.denominator > 100 for offer in OFFERS
    )
    assert decode(encode(OFFERS)) == OFFERS


def test_it_is_shown_rounded_once() -> None:
    (offer,) = (each for each in OFFERS if each.provider_offer_id == "70312-3" and each.market == "on_demand")
    assert offer.price_per_hour == Fraction(22957, 3600)
    assert as_json(offer)["price_per_hour"] == Decimal("6.376944")
    assert as_json(offer)["spot_price"] == Decimal("2.996944")


def test_it_is_filtered_sorted_and_scored_as_any_other() -> None:
    shown = [money(offer.price_per_hour) for offer in order(OFFERS, "price", {})]
    assert shown == sorted(shown)
    most = Decimal("2.996944")  # what 10789/3600 is shown as, which is a little more
    affordable = select(OFFERS, Query(max_price=most))
    assert len(affordable) == sum(price <= most for price in shown) < len(shown)
    assert Fraction(10789, 3600) in {offer.price_per_hour for offer in affordable}
    assert set(scores_of(OFFERS)) == {offer.id for offer in OFFERS}
