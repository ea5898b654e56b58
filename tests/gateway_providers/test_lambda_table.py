"""Lambda's adapter against the table that was calculated by hand, and that no line of the adapter wrote."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference_gateway.adapters.providers import FailureKind, ProviderFailed, lambda_cloud
from reference_gateway.core.gpus import find_gpu
from reference_gateway.core.offer import Offer, as_json, json_text

if TYPE_CHECKING:
    from tests.gateway_providers.conftest import Asking, Provider

TABLE = tomllib.loads((Path(__file__).parents[2] / "spec/providers/lambda.toml").read_text())
ITEMS: list[dict[str, Any]] = TABLE["item"]
BODIES: list[dict[str, Any]] = TABLE["body"]
NOT_SHOWN = {"nulls", "price_per_gpu_hour_exact"}


def envelope(*items: dict[str, Any]) -> bytes:
    members = ",".join(f"{json.dumps(item['key'])}:{item['wire']}" for item in items)
    return f'{{"data":{{{members}}}}}'.encode()


def calculated(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the table as the gateway's JSON would have it, numbers as decimals."""
    shown = {name: value for name, value in row.items() if name not in NOT_SHOWN}
    money = {name: Decimal(shown[name]) for name in ("price_per_hour", "price_per_gpu_hour", "performance")}
    return shown | money | dict.fromkeys(row["nulls"])


def shown(offer: Offer) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(json_text(as_json(offer)), parse_float=Decimal)
    assert fields.pop("last_updated") == "2025-11-24T16:00:00.000Z"
    return fields


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["title"])
async def test_an_item_becomes_the_offers_of_the_table(
    item: dict[str, Any], provider: Provider, list_offers: Asking
) -> None:
    provider.says(envelope(item))
    listing = await list_offers(provider.url)
    assert [shown(offer) for offer in listing.offers] == [calculated(row) for row in item["offer"]]
    assert [offer.price_per_gpu_hour for offer in listing.offers] == [
        Fraction(row["price_per_gpu_hour_exact"]) for row in item["offer"]
    ]
    assert listing.left_out == item["left_out"]


async def test_no_item_spoils_its_neighbours(provider: Provider, list_offers: Asking) -> None:
    provider.says(envelope(*ITEMS))
    listing = await list_offers(provider.url)
    assert [offer.id for offer in listing.offers] == [row["id"] for item in ITEMS for row in item["offer"]]
    assert listing.left_out == sum(item["left_out"] for item in ITEMS)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body["title"])
async def test_a_whole_body_is_a_list_or_a_failed_call(
    body: dict[str, Any], provider: Provider, list_offers: Asking
) -> None:
    provider.says(body["wire"].encode())
    if body["outcome"] == "listed":
        assert (await list_offers(provider.url)).offers == ()
        return
    with pytest.raises(ProviderFailed) as failed:
        await list_offers(provider.url)
    assert failed.value.kind is FailureKind.UNDECODABLE


async def test_it_asks_once_at_the_documented_path_with_the_documented_credential(
    provider: Provider, list_offers: Asking
) -> None:
    await list_offers(provider.url)
    (asked,) = provider.asked
    assert (asked.method, asked.path_qs) == ("GET", "/prefix" + TABLE["list_path"])
    assert asked.headers["Authorization"] == f"Bearer {TABLE['development_credential']}"


def test_a_provider_of_another_name_has_offers_of_its_own() -> None:
    body = json.loads(envelope(ITEMS[0]))
    ours, theirs = (lambda_cloud.read_listing(body, name, 0).offers for name in ("lambda", "lambda-07"))
    assert theirs[0].provider == "lambda-07"
    assert theirs[0].id != ours[0].id


def test_memory_is_what_the_provider_says_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table's own number is for those who say none; here it is made another, to tell the two apart."""
    monkeypatch.setattr(lambda_cloud, "find_gpu", lambda spelling: replace(find_gpu(spelling), memory_gb=25))
    (offer,) = lambda_cloud.read_listing(json.loads(envelope(ITEMS[0])), "lambda", 0).offers
    assert offer.gpu_memory_gb == 24
