"""Verda's tokens: bought, refreshed, said to end and really ending, in the middle of a sweep too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatespec.errors import GatespecError
from gatespec.providers.script import Fault, Script
from tests.providers.simulated_apis import NEW, Api

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_wire import Heard

DOCUMENTS = ("instance-types", "instance-availability", "spot-availability")


@pytest.fixture
def api(simulated: Callable[[str], Api]) -> Api:
    return simulated("verda")


def statuses(api: Api) -> list[int]:
    """Of the three requests of a sweep."""
    return [api.pages(document)[0].status for document in DOCUMENTS]


def is_refused(api: Api, heard: Heard, name: str) -> bool:
    row = api.table["error"][name]
    return (heard.status, heard.body.decode()) == (row["status"], row["body"])


def refreshed(api: Api, refresh: str) -> Heard:
    body = json.dumps({"grant_type": "refresh_token", "refresh_token": refresh})
    return api.ask("POST", api.table["auth"]["token_path"], body, {})


def test_a_token_is_sold_in_the_documented_form(api: Api) -> None:
    told, sold = json.loads(api.table["auth"]["token_answer"]), api.buy()
    assert set(sold) == set(told)
    assert {name: sold[name] for name in ("scope", "token_type", "expires_in")} == {
        name: told[name] for name in ("scope", "token_type", "expires_in")
    }
    assert api.table["auth"]["token_lifetime_s"] == sold["expires_in"]


def test_every_token_is_another_and_each_is_good(api: Api) -> None:
    first, second = (api.buy()["access_token"] for _ in range(2))
    assert first != second
    for api.token in (first, second):
        assert statuses(api) == [200, 200, 200]


@pytest.mark.parametrize(
    "changes", [{"client_id": "x"}, {"client_secret": "x"}, {"client_secret": ""}, {"grant_type": "password"}]
)
def test_no_other_client_gets_one(api: Api, changes: dict[str, str]) -> None:
    assert is_refused(api, api.ask_for_token(changes), "bad_client")


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '{"client_secret": 7, "client_id": []}', "[" * 100_000])
def test_what_is_no_request_for_a_token_gets_none(api: Api, body: str) -> None:
    heard = api.ask("POST", api.table["auth"]["token_path"], body, {})
    assert is_refused(api, heard, "bad_client")


def test_the_clients_secret_is_no_token(api: Api) -> None:
    api.token = api.table["development_credential"]["client_secret"]
    assert is_refused(api, api.first(), "unauthorized")


def test_another_providers_token_is_refused(api: Api, simulated: Callable[[str], Api]) -> None:
    api.token = simulated("verda").key()
    assert is_refused(api, api.first(), "unauthorized")


def test_what_is_said_of_a_token_can_be_scripted(control: ProvidersControl, api: Api) -> None:
    control.script(api.name, Script(token_lifetime_s=61))
    assert api.buy()["expires_in"] == 61


def test_tokens_end_at_once(control: ProvidersControl, api: Api) -> None:
    assert statuses(api) == [200, 200, 200]
    control.script(api.name, Script(tokens_end_after=0))
    assert statuses(api) == [401, 401, 401]
    api.token = api.buy()["access_token"]
    assert statuses(api) == [200, 200, 200]


@pytest.mark.parametrize("after", [1, 2])
def test_a_token_ends_in_the_middle_of_a_sweep(control: ProvidersControl, api: Api, after: int) -> None:
    api.key()
    control.script(api.name, Script(tokens_end_after=after))
    assert statuses(api) == [200] * after + [401] * (3 - after)
    api.token = api.buy()["access_token"]
    assert statuses(api) == [200, 200, 200]


def test_requests_without_a_good_token_do_not_count(control: ProvidersControl, api: Api) -> None:
    good = api.key()
    control.script(api.name, Script(tokens_end_after=1))
    api.token = "never-sold"  # noqa: S105 - none at all
    assert statuses(api) == [401, 401, 401]
    api.token = good
    assert statuses(api) == [200, 401, 401]


def test_a_token_that_ended_can_still_be_refreshed(control: ProvidersControl, api: Api) -> None:
    refresh = api.buy()["refresh_token"]
    control.script(api.name, Script(tokens_end_after=0))
    api.token = json.loads(refreshed(api, refresh).body)["access_token"]
    assert statuses(api) == [200, 200, 200]
    assert is_refused(api, refreshed(api, "never-sold"), "bad_client")


def test_a_sale_can_fail_and_tokens_that_were_sold_stay_good(control: ProvidersControl, api: Api) -> None:
    api.key()
    control.script(api.name, Script(faults=[Fault(kind="status", status=503, applies_to="token", times=None)]))
    assert api.ask_for_token().status == 503
    assert statuses(api) == [200, 200, 200]


def test_a_client_whose_secret_was_rotated_can_refresh_nothing(control: ProvidersControl, api: Api) -> None:
    refresh = api.buy()["refresh_token"]
    control.script(api.name, Script(credentials=["second"]))
    assert is_refused(api, refreshed(api, refresh), "bad_client")


def test_token_requests_are_no_list_calls(control: ProvidersControl, api: Api) -> None:
    api.first()
    api.ask_for_token({"client_secret": "wrong"})
    calls = control.ledger(api.name)
    assert [(call.kind, call.serial, call.outcome) for call in calls] == [
        ("token", 0, "ok"),
        ("list", 1, "ok"),
        ("token", 0, "refused"),
    ]
    assert [call.credential for call in calls] == ["development-secret-not-a-secret", api.token, "wrong"]


@pytest.mark.parametrize("adapter", ["lambda", *sorted(set(NEW) - {"verda"})])
@pytest.mark.parametrize("field", ["token_lifetime_s", "tokens_end_after"])
def test_scripts_of_tokens_are_refused_where_none_are_sold(
    control: ProvidersControl, simulated: Callable[[str], Api], adapter: str, field: str
) -> None:
    with pytest.raises(GatespecError, match=rf'"field": "{field}".*sells no tokens'):
        control.script(simulated(adapter).name, Script.model_validate({field: 1}))
