"""Every fault of a script, seen on the wire by a client that reads raw bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock
from gatespec.providers.script import Fault, Script
from tests.providers.simulated_wire import LIST, PROBE, everything, parsed

if TYPE_CHECKING:
    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_wire import Provider

CLOCK = MonotonicClock()


@pytest.fixture
def told(control: ProvidersControl, provider: Provider) -> Provider:
    """A provider that the test then tells how to fail."""
    control.script(provider.name, Script(faults=[]))
    return provider


def test_a_status_comes_in_the_providers_error_envelope(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="status", status=503, retry_after="7")]))
    heard = told.get()
    assert (heard.status, heard.headers["retry-after"]) == (503, "7")
    assert set(json.loads(heard.body)["error"]) == {"code", "message", "suggestion"}
    assert told.get().status == 200


def test_429_comes_as_plain_text_with_retry_after_and_without(control: ProvidersControl, told: Provider) -> None:
    faults = [Fault(kind="rate_limited"), Fault(kind="rate_limited", retry_after="3")]
    control.script(told.name, Script(faults=faults))
    bare, kind = told.get(), told.get()
    assert (bare.status, bare.headers["content-type"], "retry-after" in bare.headers) == (429, "text/plain", False)
    assert (kind.status, kind.headers["retry-after"]) == (429, "3")


def test_a_reset_is_a_reset_and_no_quiet_end(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="reset")]))
    with told.connect() as held:
        told.send(held)
        with pytest.raises(ConnectionResetError):
            everything(held)
    assert told.get().status == 200


def test_a_hang_says_nothing_and_then_closes(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="hang", hang_ms=300)]))
    with told.connect() as held:
        began = CLOCK.now_ms()
        told.send(held)
        assert everything(held) == b""
        assert CLOCK.now_ms() - began >= 299


def test_a_hang_that_outlasts_the_client_says_nothing_to_it(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="hang")]))
    with told.connect(timeout_s=0.2) as held:
        told.send(held)
        with pytest.raises(TimeoutError):
            held.recv(1)


def test_a_truncated_answer_promises_more_than_it_sends(control: ProvidersControl, told: Provider) -> None:
    whole = told.get()
    control.script(told.name, Script(faults=[Fault(kind="truncated")]))
    heard = told.get()
    assert whole.whole
    assert (heard.status, heard.headers["content-length"]) == (200, whole.headers["content-length"])
    assert heard.body == whole.body[: len(whole.body) // 2]


def test_an_html_page_stands_where_json_should(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="html"), Fault(kind="html", status=200)]))
    proxy, liar = told.get(), told.get()
    assert (proxy.status, liar.status) == (502, 200)
    assert proxy.headers["content-type"] == "text/html"
    assert liar.body.startswith(b"<!DOCTYPE html>")


def test_text_and_empty_lists_and_redirects_are_answered_as_told(control: ProvidersControl, told: Provider) -> None:
    faults = [Fault(kind="text", body="come back later"), Fault(kind="empty"), Fault(kind="redirect", location="/else")]
    control.script(told.name, Script(faults=faults))
    text, empty, redirect = told.get(), told.get(), told.get()
    assert (text.status, text.body) == (503, b"come back later")
    assert (empty.status, empty.body) == (200, b'{"data":{}}')
    assert (redirect.status, redirect.headers["location"]) == (302, "/else")


def test_an_oversized_body_is_the_true_list_after_white_space(control: ProvidersControl, told: Provider) -> None:
    true = told.get().body
    control.script(told.name, Script(faults=[Fault(kind="oversized", size_bytes=3_000_000)]))
    heard = told.get()
    assert heard.whole
    assert heard.body == b" " * 3_000_000 + true


def test_latency_holds_back_answers_and_faults(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(latency_ms=250, faults=[Fault(kind="status")]))
    for status in (500, 200):
        began = CLOCK.now_ms()
        assert told.get().status == status
        assert 249 <= CLOCK.now_ms() - began < 5000


def test_latency_can_hold_back_one_endpoint_only(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(endpoint_latency_ms={"slow": 400}))
    began = CLOCK.now_ms()
    assert told.get(at="@slow").status == 200
    assert CLOCK.now_ms() - began >= 399
    control.script(told.name, Script(latency_ms=5000, endpoint_latency_ms={"quick": 0}))
    began = CLOCK.now_ms()
    assert told.get(at="@quick").status == 200
    assert CLOCK.now_ms() - began < 4000


def test_faults_are_played_in_order_as_often_as_told(control: ProvidersControl, told: Provider) -> None:
    faults = [Fault(kind="status", status=500, times=2), Fault(kind="status", status=503)]
    control.script(told.name, Script(faults=faults))
    assert control.faults_left(told.name) == [2, 1]
    assert [told.get().status for _ in range(5)] == [500, 500, 503, 200, 200]
    assert control.faults_left(told.name) == [0, 0]


def test_a_fault_without_a_number_lasts_until_the_script_is_replaced(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="status", times=None)]))
    assert [told.get().status for _ in range(4)] == [500] * 4
    assert control.faults_left(told.name) == [None]
    control.forget_script(told.name)
    assert told.get().status == 200


def test_faults_choose_their_requests(control: ProvidersControl, told: Provider) -> None:
    faults = [
        Fault(kind="status", status=501, applies_to="probe", times=None),
        Fault(kind="status", status=502, applies_to="list", endpoint="b", times=None),
    ]
    control.script(told.name, Script(faults=faults))
    assert [told.get(path, at=at).status for path in (LIST, PROBE) for at in ("", "@b")] == [200, 502, 501, 501]


def test_what_a_script_leaves_out_stays(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(without_capacity=["us-west-1"]))
    control.script(told.name, Script(faults=[Fault(kind="status")]))
    control.script(told.name, Script(latency_ms=1))
    assert told.get().status == 500
    assert json.loads(told.get().body)["data"]["gpu_1x_rtx6000"]["regions_with_capacity_available"] == []


def test_a_script_for_one_is_nothing_to_another(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="status", times=None)]))
    neighbour = type(told)(told.base_url, "lambda-199")
    assert neighbour.get().status == 200
    assert told.get().status == 500


def test_connections_are_kept_alive_after_an_answer(told: Provider) -> None:
    with told.connect() as held:
        request = f"GET /{told.name}{PROBE} HTTP/1.1\r\nHost: simulated\r\n"
        held.sendall(f"{request}\r\n".encode())
        held.sendall(f"{request}Connection: close\r\n\r\n".encode())
        answers = everything(held).split(b"HTTP/1.1 ")[1:]
    assert [parsed(b"HTTP/1.1 " + answer).status for answer in answers] == [401, 401]
