"""Every simulated API against its hand-calculated table: what it asks for, what it refuses, items byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.providers.script import Fault, Script
from tests.providers.recount import TABLES
from tests.providers.simulated_apis import NEW

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_apis import Api
    from tests.providers.simulated_wire import Heard

of_every_api = pytest.mark.parametrize("adapter", NEW)
OPEN = {"vultr", "vastai", "runpod"}
"""APIs whose lists need no credential."""
ERRORS = [
    pytest.param(name, row, id=f"{name}-{row}")
    for name in NEW
    for row in TABLES[name]["error"]
    if row != "bad_client"  # a second 401, of token requests alone
]


@pytest.fixture
def api(simulated: Callable[[str], Api], adapter: str) -> Api:
    return simulated(adapter)


@pytest.fixture
def stocked(control: ProvidersControl, api: Api) -> Api:
    """It lists its whole table, and nothing else."""
    control.script(api.name, Script(items=api.stock()))
    return api


def said(heard: Heard) -> tuple[int, str]:
    return heard.status, heard.body.decode()


def refusal(api: Api, name: str) -> tuple[int, str]:
    row = api.table["error"][name]
    return row["status"], row["body"]


def shown(api: Api, document: str) -> bytes:
    """The one page of a document."""
    (page,) = api.pages(document)
    assert (page.status, page.headers["content-type"]) == (200, "application/json")
    return page.body


# What is listed.


@pytest.mark.parametrize("adapter", ["digitalocean", "shadeform", "vastai", "verda", "vultr"])
def test_the_whole_table_is_listed_byte_for_byte_and_in_order(stocked: Api) -> None:
    for document, told in stocked.documents.items():
        array = f"[{','.join(stocked.wires(document))}]".encode()
        body = shown(stocked, document)
        assert stocked.wires(document)
        assert body == array if not told["where"] else f'"{told["where"]}":'.encode() + array in body
        json.loads(body)


@pytest.mark.parametrize("adapter", ["hyperstack"])
def test_each_flavor_stands_in_a_group_of_its_own_gpu_and_region(stocked: Api) -> None:
    body = shown(stocked, "flavors")
    groups = json.loads(body)["data"]
    wires = stocked.wires("flavors")
    assert [group["flavors"] for group in groups] == [[json.loads(wire)] for wire in wires]
    assert [body.count(f'"flavors":[{wire}]'.encode()) for wire in wires] == [wires.count(wire) for wire in wires]
    named = [(group, json.loads(wire)) for group, wire in zip(groups, wires, strict=True) if wire.startswith("{")]
    for group, flavor in named:
        for field in ("gpu", "region_name"):
            assert group[field] == flavor.get(field)
    assert shown(stocked, "pricebook") == f"[{','.join(stocked.wires('pricebook'))}]".encode()


@pytest.mark.parametrize("adapter", ["runpod"])
def test_a_sweep_finds_each_item_where_it_was_asked_for_and_nothing_elsewhere(stocked: Api) -> None:
    discovered = stocked.first().body
    for document, field in (
        ("gpu-types", "gpuTypes"),
        ("data-centers", "dataCenters"),
        ("country-codes", "countryCodes"),
    ):
        assert f'"{field}":[{",".join(stocked.wires(document))}]'.encode() in discovered
    rows = [item for item in stocked.table["item"] if item["document"] == "prices"]
    questions = {json.dumps(row["asked"], sort_keys=True): row["asked"] for row in rows}
    assert len(questions) > 5
    for asked in questions.values():
        wires = [row["wire"].strip() for row in rows if row["asked"] == asked]
        assert stocked.question(asked).body == f'{{"data":{{"gpuTypes":[{",".join(wires)}]}}}}'.encode()
        assert stocked.question({**asked, "gpuCount": 6}).body == b'{"data":{"gpuTypes":[]}}'


@pytest.mark.parametrize("adapter", NEW)
@pytest.mark.parametrize("number", range(3))
def test_bodies_of_the_table_are_served_as_they_are(control: ProvidersControl, api: Api, number: int) -> None:
    wire = api.table["body"][number]["wire"]
    control.script(api.name, Script(faults=[Fault(kind="body", body=wire, applies_to="list")]))
    assert said(api.first()) == (200, wire)


# Who is let in.


@of_every_api
def test_the_documented_form_is_let_in(api: Api) -> None:
    assert (api.first().status, api.probe().status) == (200, 200)
    (field, told), *_ = api.auth().items()
    if told.startswith("Bearer "):
        assert api.first({field: told.replace("Bearer ", "bearer   ")}).status == 200


@of_every_api
def test_every_other_form_is_refused_as_documented(api: Api) -> None:
    key, field = api.key(), api.table["auth"]["header"]
    wrong = [f"Bearer {key}x", f"Token {key}", "Bearer", "wrong", f"Basic {key}"]
    wrong += [key] if api.table["auth"]["forms"][0].startswith("Bearer ") else [f"Bearer {key}"]
    for told in wrong:
        for heard in (api.first({field: told}), api.probe({field: told})):
            assert said(heard) == refusal(api, "unauthorized"), told


@of_every_api
def test_only_public_lists_are_open_to_whoever_presents_nothing(api: Api) -> None:
    assert (api.first({}).status == 200) == (api.adapter in OPEN)
    assert (api.probe({}).status == 200) == (api.adapter == "vultr")
    for heard in (api.first({}), api.probe({})):
        assert heard.status == 200 or said(heard) == refusal(api, "unauthorized")


@of_every_api
def test_an_account_that_is_inactive_is_refused_with_403(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(inactive=True))
    assert said(api.first()) == said(api.probe()) == refusal(api, "forbidden")


@of_every_api
def test_a_rotated_credential_is_the_only_one_taken(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(credentials=["second"]))
    if api.adapter == "verda":
        assert said(api.ask_for_token()) == refusal(api, "bad_client")
        api.token = api.buy({"client_secret": "second"})["access_token"]
        assert api.first().status == 200
        return
    assert api.first().status == 401
    (field, told), *_ = api.auth().items()
    assert api.first({field: told.replace(api.key(), "second")}).status == 200


# What else is asked, and said.


@of_every_api
def test_unknown_paths_and_methods_get_the_apis_own_404(api: Api) -> None:
    (name, told), *_ = api.documents.items()
    other = "GET" if told["method"] == "POST" else "POST"
    assert said(api.ask("GET", "/nothing")) == refusal(api, "not_found")
    assert said(api.ask(other, told["path"], api.body(name))) == refusal(api, "not_found")


@pytest.mark.parametrize(("adapter", "name"), ERRORS)
def test_every_documented_error_can_be_scripted(control: ProvidersControl, api: Api, name: str) -> None:
    status, body = refusal(api, name)
    control.script(api.name, Script(faults=[Fault(kind="status", status=status, applies_to="list")]))
    heard = api.first()
    assert said(heard) == (status, body)
    assert heard.headers["content-type"] == api.table["error"][name].get("type", "application/json")


@of_every_api
def test_an_error_that_is_not_documented_comes_in_the_words_of_a_server_error(
    control: ProvidersControl, api: Api
) -> None:
    control.script(api.name, Script(faults=[Fault(kind="status", status=n) for n in (503, 418)]))
    api.token = "bought-elsewhere"  # noqa: S105 - that the next request is the list's
    for status in (503, 418):
        assert said(api.first()) == (status, api.table["error"]["server_error"]["body"])


@of_every_api
def test_empty_lists_are_those_of_the_document_that_was_asked_for(control: ProvidersControl, api: Api) -> None:
    api.key()
    control.script(api.name, Script(faults=[Fault(kind="empty", times=None)]))
    for document in api.documents:
        body: Any = json.loads(api.pages(document)[0].body)
        where = api.documents[document]["where"]
        for field in where.split(".") if where else ():
            body = body[field]
        assert body == []


@of_every_api
def test_a_list_call_is_one_list_in_the_ledger_whatever_it_takes(control: ProvidersControl, api: Api) -> None:
    for document in api.documents:
        if api.adapter != "runpod" or document == "gpu-types":
            api.pages(document)
    if api.adapter == "runpod":
        api.question({"gpuCount": 2, "secureCloud": True, "dataCenterId": "EU-RO-1"})
    api.probe()
    kinds = [call.kind for call in control.ledger(api.name)]
    others = {"hyperstack": 1, "runpod": 1, "verda": 2, "vultr": 1}.get(api.adapter, 0)
    tokens = ["token"] if api.adapter == "verda" else []
    assert kinds == [*tokens, "list", *["other"] * others, "probe"]
    assert [call.serial for call in control.ledger(api.name, "list")] == [1]


@of_every_api
def test_the_ledger_tells_which_credential_it_was(control: ProvidersControl, api: Api) -> None:
    api.first()
    api.first({api.table["auth"]["header"]: "Digest what"})
    good, bad = control.ledger(api.name, "list")
    assert (good.credential, bad.credential) == (
        api.key(),
        "" if "Bearer" in api.auth().popitem()[1] else "Digest what",
    )
