"""Pages that turn in a circle, never end, or lead elsewhere; and the sweep, which is many questions instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from reference_gateway.adapters.providers import ADAPTERS, FailureKind, ProviderFailed
from reference_gateway.adapters.providers.pages import PAGES_MAX
from reference_gateway.adapters.providers.runpod import QUESTIONS_MAX, read_questions
from tests.gateway_providers.played import Calls
from tests.gateway_providers.tables import TableProvider, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_providers.conftest import Asking

RUNPOD = load("runpod")
VASTAI = load("vastai")
PAGED = pytest.mark.parametrize("adapter", ["vultr", "digitalocean"])


def page(following: object) -> bytes:
    """An empty page of either API with its way to the next one."""
    links = {"next": following, "pages": {"next": following}}
    return json.dumps({"plans": [], "plans_metal": [], "sizes": [], "meta": {"links": links}, "links": links}).encode()


async def list_from(list_offers: Asking, adapter: str, following: Callable[[int], object]) -> list[str]:
    """What was asked, where the n-th answer says that `following(n)` comes next."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(body=page(following(len(asked))))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        try:
            await list_offers(str(server.make_url("/prefix")), adapter, deadline_s=60)
        except ProviderFailed as failed:
            asked.append(failed.kind)
    return asked


def link(cursor: str) -> dict[str, str]:
    return {"vultr": cursor, "digitalocean": f"https://api.digitalocean.com/v2/sizes?page={cursor}"}


@PAGED
async def test_a_page_that_was_there_before_ends_the_call(adapter: str, list_offers: Asking) -> None:
    asked = await list_from(list_offers, adapter, lambda number: link("ab"[number % 2])[adapter])
    assert len(asked) == 4
    assert asked[-1] == "undecodable"


@PAGED
async def test_pages_without_end_are_a_failed_call(adapter: str, list_offers: Asking) -> None:
    asked = await list_from(list_offers, adapter, lambda number: link(str(number))[adapter])
    assert len(asked) == PAGES_MAX + 1
    assert asked[-1] == "undecodable"


@PAGED
@pytest.mark.parametrize("following", [7, True, [], {}, "x" * 501, "é", "http://["], ids=repr)
async def test_what_is_no_way_to_a_page(adapter: str, following: object, list_offers: Asking) -> None:
    asked = await list_from(list_offers, adapter, lambda number: following if number == 1 else None)
    assert asked[-1] == "undecodable" or (adapter, following) == ("vultr", "http://[")


@PAGED
@pytest.mark.parametrize("following", [None, ""])
async def test_nothing_that_follows_is_the_end(adapter: str, following: object, list_offers: Asking) -> None:
    asked = await list_from(list_offers, adapter, lambda _: following)
    assert "undecodable" not in asked


@pytest.mark.parametrize(
    "elsewhere",
    ["http://{}/v2/sizes?page=2", "//{}/v2/sizes?page=2", "http://{}/v2/account/keys?page=2", "http://u:p@{}/?page=2"],
)
async def test_a_link_never_leads_to_another_host_or_path(elsewhere: str, list_offers: Asking) -> None:
    """Whoever could name the next page's host would be sent the credential."""
    visited: list[str] = []

    async def visit(request: web.Request) -> web.Response:
        visited.append(request.path_qs)
        return web.Response(body=page(""))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", visit)
    async with TestServer(app) as other:
        following = elsewhere.format(f"{other.host}:{other.port}")
        asked = await list_from(list_offers, "digitalocean", lambda number: following if number == 1 else "")
    assert visited == []
    assert asked == ["/prefix/v2/sizes?per_page=500", "/prefix/v2/sizes?page=2"]


async def test_a_cursor_does_not_break_out_of_its_place(list_offers: Asking) -> None:
    asked = await list_from(list_offers, "vultr", lambda number: "a&type=b#c" if number == 1 else "")
    assert asked[1] == "/prefix/v2/plans?type=all&per_page=500&cursor=a%26type%3Db%23c"


def discovery(centers: int, countries: int, most: object = 8) -> dict[str, object]:
    return {
        "data": {
            "gpuTypes": [{"maxGpuCountSecureCloud": most, "maxGpuCountCommunityCloud": most}],
            "dataCenters": [{"id": f"dc-{n}", "listed": True} for n in range(centers)],
            "countryCodes": [f"c-{n}" for n in range(countries)],
        }
    }


def test_a_sweep_asks_every_place_for_every_count_and_no_more() -> None:
    provider = TableProvider(RUNPOD, RUNPOD.items)
    Calls(provider).list_offers()
    first, *others = [asked.question for asked in provider.asked]
    said = RUNPOD.said["request"]
    assert (first["operationName"], first["query"].split()) == ("Discovery", said["Discovery"].split())
    assert {(each["operationName"], *each["query"].split()) for each in others} == {
        ("GpuTypes", *said["GpuTypes"].split())
    }
    secure = [
        {"gpuCount": count, "secureCloud": True, "dataCenterId": place}
        for count in (1, 2, 4, 8)
        for place in ("EU-RO-1", "US-KS-2", "XX-MOON-1")
    ]
    community = [
        {"gpuCount": count, "secureCloud": False, "countryCode": place}
        for count in (1, 2, 4)
        for place in ("US", "PL", "ZZ")
    ]
    assert [each["variables"]["lowestPriceInput"] for each in others] == secure + community


def test_only_a_sweep_is_left_to_the_poller() -> None:
    assert [name for name, adapter in ADAPTERS.items() if adapter.polled_only] == ["runpod"]
    assert RUNPOD.said["swept"] is True


def test_a_sweep_without_end_is_a_failed_call() -> None:
    assert len(read_questions(discovery(QUESTIONS_MAX // 4, 0))) == QUESTIONS_MAX
    for centers, countries in ((QUESTIONS_MAX // 4 + 1, 0), (0, 10**5)):
        with pytest.raises(ProviderFailed) as failed:
            read_questions(discovery(centers, countries))
        assert failed.value.kind is FailureKind.UNDECODABLE


@pytest.mark.parametrize("most", [None, 0, -1, True, "8", 1.5])
def test_a_maximum_that_is_none_asks_nothing(most: object) -> None:
    assert read_questions(discovery(3, 3, most)) == []


def test_vast_is_asked_as_the_table_says() -> None:
    provider = TableProvider(VASTAI, ())
    Calls(provider).list_offers()
    (asked,) = provider.asked
    assert asked.question == json.loads(VASTAI.said["request"]["bundles"])
    assert asked.headers["Content-Type"] == "application/json"
