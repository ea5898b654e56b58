"""Catalogues of every API: all machines of a series at their exact prices, changed as told, and sold out as told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.errors import GatespecError
from gatespec.providers.catalogue import cents, machines
from gatespec.providers.dialects import DIALECTS
from gatespec.providers.prices import price_book
from gatespec.providers.script import PricesRequest, Script
from gatespec.providers.simulator import Provider, UnknownPrices, Unplayable, default_opening
from tests.providers.recount import GPUS, PLACES, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_apis import Api

Offer = tuple[str, str, bool]
"""Identity, the provider's region, and whether it is for rent there."""
Asked = tuple[Offer, int, Decimal]
"""An offer with its number of GPUs and its price."""
Documents = dict[str, list[tuple[str, Any]]]

ADAPTERS = sorted(DIALECTS)
of_every_api = pytest.mark.parametrize("adapter", ADAPTERS)
SERIES = sorted(price_book().series)
SPELLINGS = {
    " ".join(word.lower().replace("-", " ").replace("_", " ").split())
    for row in GPUS.values()
    for word in (row["name"], *row["aliases"])
}


def read(provider: Provider) -> Documents:
    names = {key for key in TABLES[provider.adapter].get("documents", {"instance-types": {}}) if key != "auxiliary"}
    return {
        name: [(key, json.loads(text, parse_float=Decimal)) for key, text in provider.items(name)] for name in names
    }


def of_lambda(documents: Documents) -> Iterator[Asked]:
    for key, item in documents["instance-types"]:
        machine = item["instance_type"]
        for region in item["regions_with_capacity_available"]:
            price = Decimal(machine["price_cents_per_hour"]) / 100
            yield (key, region["name"], True), machine["specs"]["gpus"], price


def of_vultr(documents: Documents) -> Iterator[Asked]:
    for _, plan in documents["plans"]:
        cards = plan["gpu_vram_gb"] // GPUS[plan["gpu_type"]]["memory_gb"]
        for place in plan["locations"]:
            yield (plan["id"], place, True), cards, plan["hourly_cost"]


def of_digitalocean(documents: Documents) -> Iterator[Asked]:
    for _, size in documents["sizes"]:
        for region in size["regions"]:
            yield (size["slug"], region, size["available"]), size["gpu_info"]["count"], size["price_hourly"]


def of_shadeform(documents: Documents) -> Iterator[Asked]:
    for _, told in documents["types"]:
        name, price = f"{told['cloud']}:{told['shade_instance_type']}", Decimal(told["hourly_price"]) / 100
        for row in told["availability"]:
            yield (name, row["region"], row["available"]), told["configuration"]["num_gpus"], price


def of_hyperstack(documents: Documents) -> Iterator[Asked]:
    book = {row["name"]: Decimal(row["value"]) for _, row in documents["pricebook"]}
    for _, flavor in documents["flavors"]:
        offer = flavor["name"], flavor["region_name"], flavor["stock_available"]
        yield offer, flavor["gpu_count"], book[flavor["gpu"]] * flavor["gpu_count"]


def of_verda(documents: Documents) -> Iterator[Asked]:
    types = {told["instance_type"]: told for _, told in documents["instance-types"]}
    assert documents["spot-availability"] == []
    for _, row in documents["instance-availability"]:
        for name in row["availabilities"]:
            told = types[name]
            yield (name, row["location_code"], True), told["gpu"]["number_of_gpus"], Decimal(told["price_per_hour"])


def of_vastai(documents: Documents) -> Iterator[Asked]:
    for _, ask in documents["bundles"]:
        assert (ask["storage_cost"], ask["min_bid"], ask["rented"]) == (0, None, False)
        place = ask["geolocation"]
        named = place if place in PLACES["vastai"] else place.rpartition(", ")[2]
        yield (f"{ask['machine_id']}-{ask['num_gpus']}", named, ask["rentable"]), ask["num_gpus"], ask["dph_base"]


def of_runpod(documents: Documents) -> Iterator[Asked]:
    assert documents["country-codes"] == []
    assert all("-" in center["id"] for _, center in documents["data-centers"]), "a country is no data centre"
    types = {told["id"]: told["maxGpuCountSecureCloud"] for _, told in documents["gpu-types"]}
    listed = {center["id"] for _, center in documents["data-centers"] if center["listed"]}
    for key, told in documents["prices"]:
        cloud, center, count, _ = key.split("/", 3)
        assert (cloud, center in listed, int(count) <= types[told["id"]]) == ("secure", True, True)
        offer = f"{told['id']} x{count}", center, told["lowestPrice"]["stockStatus"] is not None
        yield offer, int(count), told["securePrice"] * int(count)


READERS: dict[str, Callable[[Documents], Iterator[Asked]]] = {
    "lambda": of_lambda,
    "vultr": of_vultr,
    "digitalocean": of_digitalocean,
    "shadeform": of_shadeform,
    "hyperstack": of_hyperstack,
    "verda": of_verda,
    "vastai": of_vastai,
    "runpod": of_runpod,
}
IN_CENTS = {"lambda", "shadeform"}
SOLD_OUT_IS_LISTED = {"shadeform", "hyperstack", "runpod"}


def asked(provider: Provider) -> list[Asked]:
    return list(READERS[provider.adapter](read(provider)))


def rented(adapter: str, series: str, day: date) -> list[tuple[int, Decimal]]:
    """Number of GPUs and price of every machine, as often as it is in a region."""
    return [
        (machine.gpus, Decimal(cents(machine.usd)) / 100 if adapter in IN_CENTS else machine.usd)
        for machine in machines(series, day)
        for _ in (machine.regions if adapter == "lambda" else machine.regions[:2])
    ]


@of_every_api
@pytest.mark.parametrize("series", SERIES)
def test_every_machine_of_a_series_is_asked_for_at_its_exact_price(adapter: str, series: str) -> None:
    for day in price_book().days(series)[::35]:
        found = asked(Provider("p", series, day, adapter))
        assert sorted((count, price) for _, count, price in found) == sorted(rented(adapter, series, day))
        assert len({offer for offer, _, _ in found}) == len(found), "two machines of one identity"
        assert {region for (_, region, _), _, _ in found} <= set(PLACES[adapter])
        assert all(available for (_, _, available), _, _ in found)


@of_every_api
def test_its_own_series_is_asked_for_on_every_day(adapter: str) -> None:
    series, opening = default_opening(adapter)
    assert opening >= price_book().days(series)[0]
    for day in price_book().days(series):
        found = asked(Provider("p", series, day, adapter))
        assert sorted((count, price) for _, count, price in found) == sorted(rented(adapter, series, day))


@of_every_api
def test_no_number_passes_through_a_binary_fraction(adapter: str) -> None:
    """A third of a cent, in more digits than a float has."""
    provider = Provider("p", *default_opening(adapter), adapter=adapter)
    machine = next(name for name, usd in provider.prices().items() if usd)
    provider.set_prices(PricesRequest(providers=["p"], usd={machine: Decimal("12.34567890123456789012")}))
    found = {price for _, _, price in asked(provider)}
    assert Decimal("12.35" if adapter in IN_CENTS else "12.34567890123456789012") in found
    assert provider.prices()[machine] == Decimal("12.34567890123456789012")


@of_every_api
def test_a_price_over_the_wire_is_changed_and_given_back(
    control: ProvidersControl, simulated: Callable[[str], Api], adapter: str
) -> None:
    name = simulated(adapter).name
    before = control.prices(name)
    machine = max(before.usd)
    control.set_prices(name, usd={machine: "7.5"})
    assert Decimal(control.prices(name).usd[machine]) == Decimal("7.5")
    control.set_prices(name, usd={machine: None})
    assert control.prices(name) == before
    control.replay(name)
    assert control.prices(name).day > before.day


def test_where_a_gpu_has_one_price_all_its_machines_have_it() -> None:
    provider = Provider("p", *default_opening("hyperstack"), adapter="hyperstack")
    before = provider.prices()
    provider.set_prices(PricesRequest(providers=["p"], usd={"gpu_4x_l40": Decimal(10)}))
    after = {name: usd for name, usd in provider.prices().items() if usd != before[name]}
    assert after == {f"gpu_{n}x_l40": Decimal("2.5") * n for n in (1, 2, 4, 8)}
    assert {(count, price) for _, count, price in asked(provider)} >= {(n, Decimal("2.5") * n) for n in (1, 2, 4, 8)}
    both: dict[str, Decimal | None] = {"gpu_1x_l40": Decimal(2), "gpu_4x_l40": Decimal(9)}
    with pytest.raises(UnknownPrices, match=r"^usd: .*one price"):
        provider.set_prices(PricesRequest(providers=["p"], usd=both))
    assert provider.prices() == {**before, **after}
    provider.set_prices(PricesRequest(providers=["p"], usd={"gpu_8x_l40": None}))
    assert provider.prices() == before


@of_every_api
def test_regions_without_capacity_have_nothing_for_rent(adapter: str) -> None:
    provider = Provider("p", *default_opening(adapter), adapter=adapter)
    before = asked(provider)
    closed = before[0][0][1]
    provider.rewrite({"without_capacity": [closed]})
    after = asked(provider)
    gone = {offer for offer, _, _ in before} - {offer for offer, _, _ in after}
    assert gone == {(name, region, True) for (name, region, _), _, _ in before if region == closed}
    sold_out = {offer for offer, _, _ in after if not offer[2]}
    assert sold_out == {(name, closed, False) for name, _, _ in gone if adapter in SOLD_OUT_IS_LISTED}
    provider.forget()
    assert asked(provider) == before


@of_every_api
def test_machines_stay_where_they_are_from_day_to_day(adapter: str) -> None:
    series, day = default_opening(adapter)
    provider = Provider("p", series, day, adapter)
    before = {offer for offer, _, _ in asked(provider)}
    provider.set_prices(PricesRequest(providers=["p"], advance=1))
    after = {offer for offer, _, _ in asked(provider)}
    names = {name for name, _, _ in before & after}
    assert {offer for offer in before if offer[0] in names} == {offer for offer in after if offer[0] in names}
    assert names


@of_every_api
def test_prices_that_name_their_call_where_one_request_is_a_list(
    control: ProvidersControl, simulated: Callable[[str], Api], adapter: str
) -> None:
    api = simulated(adapter)
    if adapter not in {"lambda", "digitalocean", "shadeform", "vastai"}:
        with pytest.raises(GatespecError, match=r'"field": "serial_cents".*several requests'):
            control.script(api.name, Script(serial_cents=100))
        return
    provider = Provider("p", adapter=adapter)
    provider.rewrite({"serial_cents": 100})
    for serial in (1, 2, 30):
        items = provider.items(next(iter(read(provider))), serial)
        ((_, text),) = items
        documents = {name: [("k", json.loads(text, parse_float=Decimal))] for name in read(provider)}
        (((_, region, _), count, price),) = READERS[adapter](documents)
        assert (count, price) == (1, Decimal(100 + serial) / 100)
        assert region in PLACES[adapter]


def test_unknown_apis_are_not_enlisted(control: ProvidersControl) -> None:
    with pytest.raises(GatespecError, match=r'"field": "adapter".*digitalocean, hyperstack, lambda'):
        control.enlist(["new"], "fluidstack")


@pytest.mark.parametrize(
    ("adapter", "document", "field"),
    [("runpod", "gpu-types", "manufacturer"), ("verda", "instance-types", "manufacturer"), ("shadeform", "types", "")],
)
@pytest.mark.parametrize(("series", "maker"), [("hotaisle/on-demand", "amd"), ("lambda/on-demand", "nvidia")])
def test_cards_are_told_by_their_makers(adapter: str, document: str, field: str, series: str, maker: str) -> None:
    items = Provider("p", series, price_book().days(series)[0], adapter).items(document)
    told = [json.loads(text) for _, text in items]
    assert {(item[field] if field else item["configuration"]["gpu_manufacturer"]).lower() for item in told} == {maker}


def test_a_script_that_cannot_be_played_changes_nothing_in_process_either() -> None:
    provider = Provider("p", *default_opening("verda"), adapter="verda")
    with pytest.raises(Unplayable, match=r"^page_size: p speaks verda"):
        provider.rewrite({"inactive": True, "page_size": 1})
    assert provider.script == Script()
