"""Whatever stands in an item, a field or a body: nothing is raised but `ProviderFailed`, and neighbours stay."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_gateway.adapters.providers import Listing, ProviderFailed
from tests.gateway_providers.played import Calls
from tests.gateway_providers.tables import TABLES, Row, Table, TableProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = 60
"""Per adapter; an example takes some ms, a sweep of RunPod 20."""

NUMBERS = ["0", "-0", "-1", "0.1", "-0.0", "1e999", "-1e999", "1e-999", "9" * 30, "0." + "3" * 40, "5e-324", "1e18"]
SCALARS = st.one_of(
    st.sampled_from(["null", "true", "false", *NUMBERS]),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=5).map(str),
    st.text(max_size=8).map(json.dumps),
    st.sampled_from(['"a\\nb"', '"\\ud800"', '"\\u0000"', '""', f'"{"x" * 300}"', '"1.00"', '"available"']),
)
"""JSON texts, for a number's spelling is a part of it."""
GARBAGE = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda texts: f"[{','.join(texts)}]"),
        st.dictionaries(st.text(max_size=5).map(json.dumps), inner, max_size=3).map(
            lambda members: "{" + ",".join(f"{name}:{text}" for name, text in members.items()) + "}"
        ),
    ),
    max_leaves=6,
)

BAD = (None, "null", "true", "[]", "{}", '""', '"x"', '"a\\nb"', "0", "-1", "-0.5", "1e8", "1e17", "1e999", "9" * 30)
"""None: the field is not there."""

EVERY_TABLE = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.adapter)


def good(table: Table) -> list[Row]:
    """Items that are offers, none twice, and nothing wrong with them."""
    repeated = {item["repeats"] for item in table.items if "repeats" in item}
    return [
        item
        for item in table.items
        if item["offer"] and not item["left_out"] and "repeats" not in item and item["key"] not in repeated
    ]


def paths(value: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - decoded JSON
    """The way to every value inside of this one."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield (*before, name)
        yield from paths(inner, *before, name)


def with_garbage(wire: str, path: tuple[str | int, ...], garbage: str | None) -> str:
    """The item with other text in one place; None: without the place."""
    item = json.loads(wire)
    holder = item
    for name in path[:-1]:
        holder = holder[name]
    if garbage is None:
        del holder[path[-1]]
        return json.dumps(item)
    holder[path[-1]] = "@garbage@"
    return json.dumps(item).replace('"@garbage@"', garbage)


def assert_kept(listing: Listing, rows: list[Row]) -> None:
    """The rows' offers are there, at their price, and no other offer is out of all bounds."""
    prices = {offer.id: offer.price_per_hour for offer in listing.offers}
    for row in rows:
        assert round(prices[row["id"]], 6) == Decimal(row["price_per_hour"])
    for offer in listing.offers:
        assert 0 < offer.price_per_hour <= 1_000_000
        assert offer.spot_price is None or 0 < offer.spot_price <= 1_000_000
        assert all((offer.gpu_count > 0, offer.gpu_memory_gb > 0, offer.vcpus > 0, offer.ram_gb > 0))
        assert offer.performance > 0
        assert offer.storage_gb >= 0
        assert all(text.isprintable() for text in (offer.provider_offer_id, offer.name, offer.provider_region))


def offers_of(items: list[Row]) -> list[Row]:
    return [row for item in items for row in item["offer"]]


@EVERY_TABLE
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_garbage_instead_of_an_item(table: Table, data: st.DataObject) -> None:
    items = good(table)
    document = data.draw(st.sampled_from(sorted(table.documents)))
    wires = data.draw(st.lists(GARBAGE, min_size=1, max_size=4))
    asked = [{"asked": item["asked"]} if "asked" in item else {} for item in items]
    bad = [{"document": document, "wire": wire, "offer": [], **asked[0]} for wire in wires]
    listing = Calls(TableProvider(table, items[:1] + bad + items[1:])).list_offers()
    assert_kept(listing, offers_of(items))
    assert len(listing.offers) == len(offers_of(items))


@EVERY_TABLE
def test_every_bad_value_in_every_field(table: Table) -> None:
    """Without dice: what is below zero, of another type, or too much, in each place of one good item."""
    neighbour, victim = good(table)[:2]
    for path in paths(json.loads(victim["wire"])):
        for value in BAD:
            wire = with_garbage(victim["wire"], path, value)
            listing = Calls(TableProvider(table, [neighbour, {**victim, "wire": wire}])).list_offers()
            assert_kept(listing, neighbour["offer"])


@EVERY_TABLE
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_garbage_in_a_field(table: Table, data: st.DataObject) -> None:
    items = good(table)
    victim = data.draw(st.sampled_from(items))
    path = data.draw(st.sampled_from(list(paths(json.loads(victim["wire"])))))
    wire = with_garbage(victim["wire"], path, data.draw(st.none() | GARBAGE))
    others = [item for item in items if item is not victim]
    listing = Calls(TableProvider(table, [*others, {**victim, "wire": wire}])).list_offers()
    assert_kept(listing, [row for row in offers_of(others) if row["id"] not in {r["id"] for r in victim["offer"]}])


@EVERY_TABLE
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_garbage_instead_of_a_body(table: Table, data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(sorted(table.documents)))
    names = table.documents[document]["where"].split(".")
    garbage = data.draw(GARBAGE)
    for name in reversed(names[data.draw(st.integers(0, len(names))) :]):
        garbage = f'{{"{name}":{garbage}}}'
    provider = TableProvider(table, good(table), bodies={document: garbage.encode("utf-8", "surrogatepass")})
    with suppress(ProviderFailed):
        assert_kept(Calls(provider).list_offers(), [])
