"""Pages: cursors and numbers, what nobody named, and items that drift from one page to the next."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.errors import GatespecError
from gatespec.providers.script import Fault, Script
from tests.providers.simulated_apis import NEW

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_apis import Api
    from tests.providers.simulated_wire import Heard

PAGED = {"digitalocean": "sizes", "vultr": "plans"}
of_every_paged_api = pytest.mark.parametrize("adapter", PAGED)


@pytest.fixture
def api(simulated: Callable[[str], Api], adapter: str) -> Api:
    return simulated(adapter)


def refused(api: Api, heard: Heard) -> bool:
    row = api.table["error"]["bad_page"]
    return (heard.status, heard.body.decode()) == (row["status"], row["body"])


def shown(api: Api, heard: Heard) -> list[Any]:
    found: list[Any] = json.loads(heard.body)[PAGED[api.adapter]]
    return found


@of_every_paged_api
@pytest.mark.parametrize("size", [1, 3, 500])
def test_pages_show_each_item_once_and_in_order(control: ProvidersControl, api: Api, size: int) -> None:
    control.script(api.name, Script(items=api.stock(), page_size=size))
    wires = api.wires(PAGED[api.adapter])
    pages = api.pages(PAGED[api.adapter])
    parts = [wires[start : start + size] for start in range(0, len(wires), size)]
    assert len(pages) == len(parts)
    for page, part in zip(pages, parts, strict=True):
        assert f'"{PAGED[api.adapter]}":[{",".join(part)}]'.encode() in page.body
        assert json.loads(page.body)["meta"]["total"] == len(wires)


@of_every_paged_api
def test_a_whole_list_in_pages_is_one_list_call(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(items=api.stock(), page_size=2))
    count = len(api.pages(PAGED[api.adapter]))
    assert [call.kind for call in control.ledger(api.name)] == ["list"] + ["other"] * (count - 1)


@of_every_paged_api
def test_an_item_drifts_to_the_next_page_with_a_newer_price(control: ProvidersControl, api: Api) -> None:
    wire = next(item["wire"].strip() for item in api.table["item"] if item["offer"])
    price = "hourly_cost" if api.adapter == "vultr" else "price_hourly"
    newer = wire.replace(f'"{price}": ', f'"{price}": 1')
    control.script(api.name, Script(items={"before": wire, "between": "null", "after": newer}, page_size=2))
    before, after = (shown(api, page) for page in api.pages(PAGED[api.adapter]))
    assert (before, after) == ([json.loads(wire), None], [json.loads(newer)])
    assert after[0][price] != before[0][price]


@of_every_paged_api
def test_a_failure_can_fall_into_the_middle_of_a_list(control: ProvidersControl, api: Api) -> None:
    late = Fault(kind="rate_limited", applies_to="other", after=1)
    control.script(api.name, Script(items=api.stock(), page_size=1, faults=[late]))
    first, second, third = (page.status for page in pages_until_refused(api))
    assert (first, second, third) == (200, 200, 429)
    assert control.faults_left(api.name) == [0]


def pages_until_refused(api: Api) -> list[Heard]:
    told = api.documents[PAGED[api.adapter]]
    found, path = [api.ask("GET", told["path"])], ""
    while found[-1].status == 200 and (path := api.next_path(told, json.loads(found[-1].body))):
        found.append(api.ask("GET", path))
    return found


@pytest.mark.parametrize("adapter", ["vultr"])
def test_a_cursor_that_no_answer_has_named_is_refused(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(items=api.stock(), page_size=5))
    cursor = json.loads(api.first().body)["meta"]["links"]["next"]
    path = "/v2/plans?type=all&per_page=500&cursor="
    assert api.ask("GET", f"{path}{cursor}").status == 200
    past, minus = (base64.urlsafe_b64encode(f"plans__{n}".encode()).decode() for n in (900, -1))
    for wrong in (past, minus, "x", "%00", cursor.rstrip("="), cursor.swapcase(), "next__1", "%C3%A9", "A" * 2000):
        assert refused(api, api.ask("GET", f"{path}{wrong}")), wrong
    assert refused(api, api.ask("GET", f"/v2/plans-metal?per_page=500&cursor={cursor}"))


@pytest.mark.parametrize("adapter", ["vultr"])
def test_cursors_lead_back_as_well(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(items=api.stock(), page_size=5))
    first, second, *_ = api.pages("plans")
    back = json.loads(second.body)["meta"]["links"]["prev"]
    assert api.ask("GET", f"/v2/plans?type=all&per_page=500&cursor={back}").body == first.body


@pytest.mark.parametrize("adapter", ["digitalocean"])
@pytest.mark.parametrize("wrong", ["0", "-1", "900", "x", "", "1.0", "+1", "%201", "01", "9" * 5000])
def test_a_page_that_no_answer_has_named_is_refused(api: Api, wrong: str) -> None:
    assert refused(api, api.ask("GET", f"/v2/sizes?per_page=500&page={wrong}"))
    assert api.ask("GET", "/v2/sizes?per_page=500&page=1").body == api.first().body


@pytest.mark.parametrize("adapter", ["digitalocean"])
def test_the_address_of_the_next_page_is_of_the_apis_own_host(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(page_size=1))
    told = json.loads(api.first().body)["links"]["pages"]["next"]
    assert told == "https://api.digitalocean.com/v2/sizes?page=2&per_page=500"


@pytest.mark.parametrize("adapter", ["lambda", *sorted(set(NEW) - set(PAGED))])
def test_a_page_size_is_refused_where_there_are_no_pages(control: ProvidersControl, api: Api) -> None:
    with pytest.raises(GatespecError, match='"field": "page_size"'):
        control.script(api.name, Script(page_size=1))
    control.script(api.name, Script(page_size=None))
