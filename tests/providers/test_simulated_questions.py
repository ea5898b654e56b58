"""What the APIs are asked in a body: Vast.ai's filters and RunPod's GraphQL; and what DigitalOcean says of its rate."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import epoch_s
from gatespec.errors import GatespecError
from gatespec.providers.script import Fault, Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_apis import Api
    from tests.providers.simulated_wire import Heard

BUNDLES = "/api/v0/bundles/"


@pytest.fixture
def vast(simulated: Callable[[str], Api]) -> Api:
    return simulated("vastai")


@pytest.fixture
def runpod(simulated: Callable[[str], Api]) -> Api:
    return simulated("runpod")


@pytest.fixture
def ocean(simulated: Callable[[str], Api]) -> Api:
    return simulated("digitalocean")


def ask(machine: int, **changes: object) -> str:
    """An ask of a script, beside the catalogue's."""
    told = {"machine_id": machine, "num_gpus": 3, "rentable": True, "rented": False, "verification": "verified"}
    return json.dumps({**told, "dph_total": 1, "min_bid": None, **changes})


def offers(api: Api, question: dict[str, object]) -> list[Any]:
    heard = api.ask("POST", BUNDLES, json.dumps(question))
    assert heard.status == 200, heard
    found: list[Any] = json.loads(heard.body, parse_float=Decimal)["offers"]
    return found


def threes(api: Api, **question: object) -> list[int]:
    """Machines of three GPUs, which the catalogue has none of."""
    return [each["machine_id"] for each in offers(api, {"num_gpus": {"eq": 3}, **question})]


@pytest.fixture
def filled(control: ProvidersControl, vast: Api) -> Api:
    """The catalogue, and asks of three GPUs that differ in one field each."""
    different: dict[int, dict[str, object]] = {
        1: {},
        2: {"rentable": False},
        3: {"rented": True},
        4: {"verification": "unverified"},
        5: {"min_bid": 0.5},
        6: {"dph_total": 0.25},
        7: {"dph_total": 2.5},
    }
    control.script(vast.name, Script(inject={f"x{n}": ask(n, **changes) for n, changes in different.items()}))
    return vast


def test_filters_choose(filled: Api) -> None:
    assert threes(filled) == [1, 2, 3, 4, 5, 6, 7]
    assert threes(filled, rentable={"eq": True}) == [1, 3, 4, 5, 6, 7]
    assert threes(filled, rented={"eq": False}, verified={"eq": True}) == [1, 2, 5, 6, 7]
    assert threes(filled, type="bid") == [5]
    assert threes(filled, type="reserved") == []
    assert threes(filled, dph_total={"lte": 1, "gt": 0.25}) == [1, 2, 3, 4, 5]
    assert threes(filled, dph_total={"lt": 1}) == [6]
    assert threes(filled, machine_id={"in": [1, 7]}) == [1, 7]
    assert threes(filled, machine_id={"notin": [1, 7], "neq": 2, "gte": 3}) == [3, 4, 5, 6]


def test_an_order_sorts_and_a_limit_cuts_after_it(filled: Api) -> None:
    assert threes(filled, order=[["dph_total", "asc"]]) == [6, 1, 2, 3, 4, 5, 7]
    assert threes(filled, order=[["dph_total", "desc"], ["machine_id", "desc"]]) == [7, 5, 4, 3, 2, 1, 6]
    assert threes(filled, order=[["dph_total", "asc"]], limit=2) == [6, 1]
    assert threes(filled, limit=0) == []


def test_the_tables_own_question_brings_the_whole_catalogue_cheapest_first(vast: Api) -> None:
    told = json.loads(vast.first().body, parse_float=Decimal)["offers"]
    prices = [each["dph_total"] for each in told]
    assert prices == sorted(prices)
    assert len(told) == len(offers(vast, {})) > 50


def test_a_filter_drops_only_what_it_can_read(control: ProvidersControl, vast: Api) -> None:
    wrong = {"null": "null", "text": '"x"', "untold": '{"machine_id": 9}', "wrong type": ask(10, dph_total="cheap")}
    control.script(vast.name, Script(inject=wrong))
    question = {"num_gpus": {"gte": 3, "lt": 4}, "dph_total": {"lt": 0}, "rentable": {"eq": True}, "limit": 5}
    found = offers(vast, {**question, "order": [["dph_total", "asc"]]})
    assert found[-4:] == [json.loads(text) for text in wrong.values()]
    assert len(found) == 4


def test_a_whole_list_that_is_scripted_may_lie(control: ProvidersControl, vast: Api) -> None:
    lies = {"a": ask(1, rentable=False, dph_total=9), "b": ask(2, rented=True)}
    control.script(vast.name, Script(items=lies))
    heard = vast.ask(
        "POST", BUNDLES, json.dumps({"rentable": {"eq": True}, "limit": 1, "order": [["dph_total", "asc"]]})
    )
    assert heard.body == f'{{"offers":[{lies["a"]},{lies["b"]}]}}'.encode()


@pytest.mark.parametrize(
    "question",
    [
        "",
        "[]",
        "{",
        '{"rentable": true}',
        '{"rentable": {"is": true}}',
        '{"type": "spot"}',
        '{"type": []}',
        '{"limit": -1}',
        '{"limit": "5"}',
        '{"limit": true}',
        '{"limit": 1.5}',
        '{"order": "dph_total"}',
        '{"order": [["dph_total", "up"]]}',
        '{"order": [["dph_total"]]}',
        '{"order": 5}',
        "[" * 100_000,
    ],
)
def test_what_is_no_question_is_refused(vast: Api, question: str) -> None:
    heard = vast.ask("POST", BUNDLES, question)
    row = vast.table["error"]["bad_filter"]
    assert (heard.status, heard.body.decode()) == (row["status"], row["body"])


def test_too_many_requests_are_told_in_plain_text_and_without_a_time(control: ProvidersControl, vast: Api) -> None:
    control.script(vast.name, Script(faults=[Fault(kind="rate_limited")]))
    heard = vast.first()
    row = vast.table["error"]["too_many"]
    assert (heard.status, heard.body.decode().strip()) == (row["status"], row["body"])
    assert heard.headers["content-type"] == row["type"]
    assert "retry-after" not in heard.headers


# RunPod: GraphQL's own errors are no status.

SECURE = {"gpuCount": 2, "secureCloud": True, "dataCenterId": "EU-RO-1"}


def is_an_error(heard: Heard) -> bool:
    told = json.loads(heard.body)
    return heard.status == 200 and "data" not in told and bool(told["errors"][0]["message"])


@pytest.mark.parametrize(
    "changes",
    [
        {"gpuCount": None},
        {"gpuCount": "2"},
        {"gpuCount": True},
        {"gpuCount": 2.0},
        {"dataCenterId": None},
        {"dataCenterId": 5},
        {"secureCloud": None},
        {"secureCloud": 1},
        {"secureCloud": False},
    ],
)
def test_a_question_without_a_place_and_a_count_is_an_error_in_a_200(runpod: Api, changes: dict[str, object]) -> None:
    assert not is_an_error(runpod.question(SECURE))
    assert is_an_error(runpod.question({**SECURE, **changes}))


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "{", '{"operationName": "Pods"}', '{"operationName": []}', "[" * 10_000]
)
def test_any_other_operation_is_an_error_in_a_200_and_no_list_call(
    control: ProvidersControl, runpod: Api, body: str
) -> None:
    assert is_an_error(runpod.ask("POST", "/graphql", body))
    assert [call.kind for call in control.ledger(runpod.name)] == ["other"]


def test_errors_in_a_200_can_be_scripted_in_the_middle_of_a_sweep(control: ProvidersControl, runpod: Api) -> None:
    control.script(runpod.name, Script(faults=[Fault(kind="status", status=200, applies_to="other", after=1)]))
    assert json.loads(runpod.first().body)["data"]["gpuTypes"]
    statuses = [(heard.status, "errors" in json.loads(heard.body)) for heard in map(runpod.question, [SECURE] * 3)]
    assert statuses == [(200, False), (200, True), (200, False)]


def test_no_country_is_asked_for_machines_of_the_secure_cloud(runpod: Api) -> None:
    told = json.loads(runpod.first().body)["data"]
    assert told["countryCodes"] == []
    assert all(center["listed"] for center in told["dataCenters"])
    assert {row["maxGpuCountCommunityCloud"] for row in told["gpuTypes"]} == {0}


# DigitalOcean: what is left of the hour.


def rate(api: Api, heard: Heard) -> tuple[int, int, int]:
    names = api.table["rate_headers"]
    limit, left, reset = (int(heard.headers[names[part]]) for part in ("limit", "remaining", "reset"))
    return limit, left, reset


def test_every_answer_tells_what_is_left_of_the_rate(control: ProvidersControl, ocean: Api) -> None:
    began = epoch_s()
    control.script(ocean.name, Script(faults=[Fault(kind="status", status=429, retry_after="5", applies_to="list")]))
    for heard in (ocean.first(), ocean.first(), ocean.probe(), ocean.first({}), ocean.ask("GET", "/nothing")):
        limit, left, reset = rate(ocean, heard)
        assert (limit, left) == (5000, 4999)
        assert began + 3600 <= reset <= epoch_s() + 3600


def test_the_rate_can_be_told_as_used_up(control: ProvidersControl, ocean: Api) -> None:
    control.script(ocean.name, Script(rate_left=0, rate_resets_s=7))
    began = epoch_s()
    limit, left, reset = rate(ocean, ocean.first())
    assert (limit, left) == (5000, 0)
    assert began + 7 <= reset <= epoch_s() + 7


def test_a_rate_is_refused_where_the_api_does_not_tell_it(control: ProvidersControl, vast: Api) -> None:
    with pytest.raises(GatespecError, match='"field": "rate_left"'):
        control.script(vast.name, Script(rate_left=0))
