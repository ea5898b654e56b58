"""Every adapter against the table that was calculated by hand, and that no line of the adapter wrote."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from aiohttp.test_utils import TestServer

from reference_gateway.adapters.providers import ADAPTERS, FailureKind, ProviderFailed
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_providers.tables import TABLES, Row, Table, TableProvider, calculated, exact, kept, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from reference_gateway.adapters.providers import Listing
    from tests.gateway_providers.conftest import Asking, Provider

EVERY_ITEM = [
    pytest.param(table, item, id=f"{table.adapter}: {item['title']}") for table in TABLES for item in table.items
]
EVERY_BODY = [
    pytest.param(table, body, id=f"{table.adapter}: {body['document']}: {body['title']}")
    for table in TABLES
    for body in table.said["body"]
]
EVERY_TABLE = [pytest.param(table, id=table.adapter) for table in TABLES]


@asynccontextmanager
async def serving(
    table: Table, items: Iterable[Row] = (), page_items: int = 10**6, bodies: Mapping[str, bytes] | None = None
) -> AsyncIterator[tuple[TableProvider, str]]:
    served = TableProvider(table, tuple(items), page_items, bodies or {})
    async with TestServer(served.app()) as server:
        yield served, str(server.make_url("")).rstrip("/")


def assert_is(listing: Listing, rows: Iterable[Row]) -> None:
    """The offers are those of the rows, in any order: as they are shown, and as exact as they are kept."""
    expected = sorted(rows, key=lambda row: row["id"])
    offers = sorted(listing.offers, key=lambda offer: offer.id)
    assert [shown(offer) for offer in offers] == [calculated(row) for row in expected]
    assert [kept(offer) for offer in offers] == [exact(row) for row in expected]


def test_every_adapter_has_a_table() -> None:
    assert {table.adapter for table in TABLES} | {"lambda"} == set(ADAPTERS)


@pytest.mark.parametrize(("table", "item"), EVERY_ITEM)
async def test_an_item_becomes_the_offers_of_the_table(table: Table, item: Row, list_offers: Asking) -> None:
    async with serving(table, [item]) as (_, url):
        listing = await list_offers(url, table.adapter)
    assert_is(listing, item["offer"])
    assert listing.left_out == item["left_out"]


@pytest.mark.parametrize("table", EVERY_TABLE)
async def test_no_item_spoils_its_neighbours_and_the_later_wins(table: Table, list_offers: Asking) -> None:
    async with serving(table, table.items) as (_, url):
        listing = await list_offers(url, table.adapter)
    assert_is(listing, {row["id"]: row for item in table.items for row in item["offer"]}.values())
    assert listing.left_out == sum(item["left_out"] for item in table.items)


@pytest.mark.parametrize(("table", "body"), EVERY_BODY)
async def test_a_whole_body_is_a_list_or_a_failed_call(table: Table, body: Row, list_offers: Asking) -> None:
    bodies = {body["document"]: body["wire"].encode()}
    async with serving(table, bodies=bodies) as (_, url):
        if body["outcome"] == "listed":
            assert (await list_offers(url, table.adapter)).offers == ()
            return
        with pytest.raises(ProviderFailed) as failed:
            await list_offers(url, table.adapter)
    assert failed.value.kind is FailureKind.UNDECODABLE


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(table, id=table.adapter)
        for table in TABLES
        if "_page" in table.adapter or "next" in str(table.said["documents"])
    ],
)
@pytest.mark.parametrize("page_items", [1, 7])
async def test_pages_are_one_list(table: Table, page_items: int, list_offers: Asking) -> None:
    async with serving(table, table.items, page_items=page_items) as (served, url):
        listing = await list_offers(url, table.adapter)
    assert_is(listing, {row["id"]: row for item in table.items for row in item["offer"]}.values())
    assert listing.left_out == sum(item["left_out"] for item in table.items)
    assert len(served.asked) >= len(table.items) / page_items


@pytest.mark.parametrize("table", EVERY_TABLE)
async def test_a_list_is_the_documents_of_the_table_and_no_request_more(table: Table, list_offers: Asking) -> None:
    """With nothing in it, so that no page and no question follows."""
    async with serving(replace(table, said={**table.said, "item": []})) as (served, url):
        await list_offers(url, table.adapter)
    asked = {(each.method, each.path, *sorted(each.query.items())) for each in served.asked}
    asked -= {(table.said["auth"].get("token_method"), table.said["auth"].get("token_path"))}
    documents = [document for document in table.documents.values() if document.get("operation") != "GpuTypes"]
    said = [(each["method"], *each["path"].partition("?")[::2]) for each in documents]
    assert asked == {(method, path, *sorted(parse_qsl(query))) for method, path, query in said}
    assert len(served.asked) == len(set(said)) + len(served.tokens)


@pytest.mark.parametrize("table", EVERY_TABLE)
async def test_another_credential_is_refused_by_name(table: Table, list_offers: Asking) -> None:
    wrong = {name: Secret("another") for name in ADAPTERS[table.adapter].credential_fields}
    async with serving(table) as (_, url):
        with pytest.raises(ProviderFailed) as failed:
            await list_offers(url, table.adapter, credential=wrong)
    assert (failed.value.kind, failed.value.status) == (FailureKind.CREDENTIAL, 401)


@pytest.mark.parametrize("table", EVERY_TABLE)
async def test_a_credential_without_its_fields_is_never_sent(table: Table, list_offers: Asking) -> None:
    async with serving(table) as (served, url):
        with pytest.raises(ProviderFailed) as failed:
            await list_offers(url, table.adapter, credential={})
    assert failed.value.kind is FailureKind.CREDENTIAL
    assert served.asked == []


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_a_probe_asks_where_the_table_says(table: Table) -> None:
    assert ADAPTERS[table.adapter].probe_path == table.said["probe_path"]


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_probe_is_one_get_with_the_credential(adapter: str, provider: Provider, list_offers: Asking) -> None:
    """Of what it answers nothing is read, but that it does."""
    provider.says(b'{"access_token": "bought", "expires_in": 3600}')
    await ADAPTERS[adapter].probe(await list_offers.call(provider.url, adapter))
    asked = provider.asked[-1]
    assert (asked.method, asked.path) == ("GET", "/prefix" + ADAPTERS[adapter].probe_path)
    assert any("development" in value or "bought" in value for value in asked.headers.values())
    provider.says(b"[", status=503)
    with pytest.raises(ProviderFailed) as failed:
        await ADAPTERS[adapter].probe(await list_offers.call(provider.url, adapter))
    assert failed.value.status == 503
