"""What the rules of the tables say, and no item of theirs shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway_providers.played import Calls
from tests.gateway_providers.tables import TABLES, Row, Table, TableProvider, load

if TYPE_CHECKING:
    from reference_gateway.adapters.providers import Listing


def listed(adapter: str, *items: Row) -> Listing:
    return Calls(TableProvider(load(adapter), items)).list_offers()


def item_of(adapter: str, key: str, **changed: Any) -> Row:  # noqa: ANN401 - JSON
    """An item of the table with other members."""
    item = next(item for item in load(adapter).items if item["key"] == key)
    return {**item, "wire": json.dumps({**json.loads(item["wire"]), **changed})}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.adapter)
def test_a_provider_of_another_name_has_offers_of_its_own(table: Table) -> None:
    provider = TableProvider(table, table.items)
    ours, theirs = (Calls(provider, name=name).list_offers().offers for name in (table.adapter, "another-07"))
    assert {offer.provider for offer in theirs} == {"another-07"}
    assert len(theirs) == len(ours)
    assert not {offer.id for offer in theirs} & {offer.id for offer in ours}


def test_a_location_that_nobody_knows_counts_once_however_many_markets_it_has() -> None:
    listing = listed("vultr", item_of("vultr", "vbm-110c-2000gb-8-h100-gpu", locations=["sea", "jnb"]))
    assert [offer.market for offer in listing.offers] == ["on_demand", "spot"]
    assert listing.left_out == 1


@pytest.mark.parametrize("cost", [None, 7, "5.271", []])
def test_costs_of_a_location_that_are_no_costs_leave_out_that_location(cost: object) -> None:
    listing = listed("vultr", item_of("vultr", "vcg-a100-23c-239g-160vram", location_cost={"syd": cost}))
    assert [offer.provider_region for offer in listing.offers] == ["fra"]
    assert listing.left_out == 1


@pytest.mark.parametrize("group", ["null", "[]", '"flavors"', "{}", '{"flavors": null}', '{"flavors": {}}'])
def test_a_group_that_is_none_counts_once(group: str) -> None:
    good = load("hyperstack").items[0]
    wires = f'{{"status": true, "data": [{group}, {{"flavors": [{good["wire"]}]}}]}}'
    provider = TableProvider(load("hyperstack"), (), bodies={"flavors": wires.encode()})
    listing = Calls(provider).list_offers()
    assert [offer.id for offer in listing.offers] == [row["id"] for row in good["offer"]]
    assert listing.left_out == 1


def test_a_region_that_nobody_knows_counts_once_for_each_machine() -> None:
    types = ["1H100.80S.31V", "8H100.80S.177V"]
    rows = json.dumps([{"location_code": "MARS-01", "availabilities": types}]).encode()
    items = [item_of("verda", key) for key in types]
    both = {"instance-availability": rows, "spot-availability": rows}
    listing = Calls(TableProvider(load("verda"), items, bodies=both)).list_offers()
    assert (listing.offers, listing.left_out) == ((), 2)


def test_a_type_that_is_no_text_spoils_no_row() -> None:
    name = "1H100.80S.31V"
    rows = json.dumps([{"location_code": "FIN-01", "availabilities": [[], {}, None, 7, name]}]).encode()
    provider = TableProvider(load("verda"), [item_of("verda", name)], bodies={"instance-availability": rows})
    assert "FIN-01" in {offer.provider_region for offer in Calls(provider).list_offers().offers}
