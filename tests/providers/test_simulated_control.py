"""The control API: a wrong word is 422 and names the field, and changes nothing."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from gatespec.errors import GatespecError
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.script import Fault, Script

if TYPE_CHECKING:
    from tests.providers.simulated_wire import Provider


def post(base_url: str, path: str, body: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "said", "field"),
    [
        ("script", {}, "providers"),
        ("script", {"providers": []}, "providers"),
        ("script", {"providers": ["nobody"]}, "providers"),
        ("script", {"providers": ["UPPER"]}, "providers.0"),
        ("script", {"latency": 3}, "latency"),
        ("script", {"latency_ms": -1}, "latency_ms"),
        ("script", {"latency_ms": 10**9}, "latency_ms"),
        ("script", {"latency_ms": "soon"}, "latency_ms"),
        ("script", {"faults": [{"kind": "earthquake"}]}, "faults.0.kind"),
        ("script", {"faults": [{"kind": "reset", "times": 0}]}, "faults.0.times"),
        ("script", {"faults": [{"kind": "status", "status": 999}]}, "faults.0.status"),
        ("script", {"faults": [{"kind": "rate_limited", "retry_after": "1\r\nX: y"}]}, "faults.0.retry_after"),
        ("script", {"faults": [{"kind": "reset"}] * 101}, "faults"),
        ("script", {"items": {"a": "{not json"}}, "items"),
        ("script", {"inject": {"a": '{}, "b": 1'}}, "inject"),
        ("prices", {"day": "yesterday"}, "day"),
        ("prices", {"day": "2020-01-01"}, "day"),
        ("prices", {"series": "nobody/spot"}, "series"),
        ("prices", {"cents": {"gpu_1x_a10": 0}}, "cents.gpu_1x_a10"),
        ("prices", {"cents": {"gpu_1x_a10": 1.5}}, "cents.gpu_1x_a10"),
        ("prices", {"advance": -1}, "advance"),
    ],
)
def test_a_wrong_word_is_422_and_names_the_field(
    control: ProvidersControl, provider: Provider, path: str, said: dict[str, Any], field: str
) -> None:
    before = provider.get().body
    body = said if field.startswith("providers") else {"providers": [provider.name], **said}
    status, answer = post(provider.base_url, f"/_control/{path}", json.dumps(body))
    assert (status, answer["field"]) == (422, field)
    assert answer["message"]
    assert provider.get().body == before
    assert control.faults_left(provider.name) == []


@pytest.mark.parametrize("path", ["script", "prices"])
@pytest.mark.parametrize("body", ["", "not json", "[]", "null"])
def test_what_is_no_object_is_422(base_url: str, path: str, body: str) -> None:
    status, answer = post(base_url, f"/_control/{path}", body)
    assert (status, answer["field"]) == (422, "body")


def test_a_wrong_query_is_422(base_url: str, provider: Provider) -> None:
    root = type(provider)(base_url, "_control")
    assert json.loads(root.get("/ledger?after=-1").body)["field"] == "after"
    assert json.loads(root.get("/prices").body)["field"] == "providers"
    assert json.loads(root.get("/script?provider=nobody").body)["field"] == "providers"


def test_a_change_for_several_is_for_all_or_for_none(control: ProvidersControl, provider: Provider) -> None:
    ahead = type(provider)(provider.base_url, "lambda-197")
    control.set_prices(ahead.name, day="2026-08-22")
    before = control.prices(provider.name)
    with pytest.raises(GatespecError, match="advance"):
        control.replay([provider.name, ahead.name])
    assert control.prices(provider.name) == before


def test_the_client_says_what_was_refused(control: ProvidersControl) -> None:
    with pytest.raises(GatespecError, match="'nobody' is not simulated here"):
        control.script("nobody", Script(latency_ms=1))
    with pytest.raises(GatespecError, match="'nobody' is not simulated here"):
        control.prices("nobody")


def test_the_client_is_ready_only_where_simulators_are(control: ProvidersControl) -> None:
    assert control.ready()
    assert not ProvidersControl("http://127.0.0.1:9").ready()


def test_forgetting_gives_back_the_first_day(control: ProvidersControl, provider: Provider) -> None:
    before = provider.get().body
    control.script(provider.name, Script(items={}, inactive=True, faults=[Fault(kind="reset", times=None)]))
    control.forget_script(provider.name)
    assert provider.get().body == before
