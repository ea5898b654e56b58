"""Answers that lie about themselves, are too much, or come too slowly: read as raw bytes from a socket."""

from __future__ import annotations

import itertools
import json
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args

import pytest

from gatespec.clock import MonotonicClock
from gatespec.errors import GatespecError
from gatespec.providers.script import DEPTH_MAX, SIZE_MAX_BYTES, Fault, FaultKind, Script
from tests.providers.simulated_apis import NEW
from tests.providers.simulated_wire import LIST, everything, parsed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_apis import Api
    from tests.providers.simulated_wire import Heard, Provider

CLOCK = MonotonicClock()
MB = 1024 * 1024
ITEM = '{"instance_type":{"name":"caf\u00e9"}}'
BODY = f'{{"data":{{"k":{ITEM}}}}}'.encode()


@pytest.fixture
def told(control: ProvidersControl, provider: Provider) -> Provider:
    """It lists one small item, and the test tells it how to spoil it."""
    control.script(provider.name, Script(items={"k": ITEM}))
    return provider


def heard(control: ProvidersControl, told: Provider, **fault: object) -> Heard:
    """The spoilt answer; the next one is whole again."""
    control.script(told.name, Script(faults=[Fault.model_validate(fault)]))
    spoilt = told.get()
    assert told.get().body == BODY
    assert [call.outcome for call in control.ledger(told.name)][-2:] == [fault["kind"], "ok"]
    return spoilt


def pieces(held: socket.socket) -> Iterator[bytes]:
    return iter(lambda: held.recv(MB), b"")


def test_a_gzip_bomb_is_small_on_the_wire_and_huge_when_read(control: ProvidersControl, told: Provider) -> None:
    small = heard(control, told, kind="gzip_bomb", size_bytes=20 * MB)
    assert small.whole
    assert (small.status, small.headers["content-encoding"]) == (200, "gzip")
    assert len(small.body) < 20 * MB // 500
    assert zlib.decompress(small.body, zlib.MAX_WBITS | 16) == b" " * 20 * MB + BODY


def test_what_is_said_to_be_gzip_is_plain(control: ProvidersControl, told: Provider) -> None:
    plain = heard(control, told, kind="not_gzip")
    assert (plain.status, plain.headers["content-encoding"], plain.body) == (200, "gzip", BODY)


def test_an_endless_body_outlasts_whoever_counts(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="endless")]))
    with told.connect() as held:
        told.send(held)
        read = itertools.accumulate(len(piece) for piece in pieces(held))
        assert next(total for total in read if total > 50 * MB)
    assert told.get().body == BODY


def test_an_endless_body_promises_no_length(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="endless")]))
    with told.connect() as held:
        told.send(held)
        head = parsed(held.recv(500))
    assert (head.status, head.headers["transfer-encoding"]) == (200, "chunked")
    assert "content-length" not in head.headers


def test_an_oversized_body_may_be_a_hundred_megabytes(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="oversized", size_bytes=100 * MB)]))
    with told.connect() as held:
        told.send(held)
        head = b""
        while b"\r\n\r\n" not in head:
            head += held.recv(1)
        assert sum(len(piece) for piece in pieces(held)) == int(parsed(head).headers["content-length"])
    assert int(parsed(head).headers["content-length"]) == 100 * MB + len(BODY)


@pytest.mark.parametrize("depth", [1, 100_000, DEPTH_MAX])
def test_a_deep_body_has_as_many_brackets_as_told(control: ProvidersControl, told: Provider, depth: int) -> None:
    assert heard(control, told, kind="deep", depth=depth).body == b"[" * depth + b"]" * depth


def test_a_body_in_utf_16_is_said_to_be_utf_8(control: ProvidersControl, told: Provider) -> None:
    wide = heard(control, told, kind="utf16")
    assert wide.headers["content-type"] == "application/json; charset=utf-8"
    assert wide.body.decode("utf-16").encode() == BODY


def test_a_byte_that_no_utf_8_has_stands_in_a_text(control: ProvidersControl, told: Provider) -> None:
    spoilt = heard(control, told, kind="bad_utf8")
    with pytest.raises(UnicodeDecodeError):
        spoilt.body.decode()
    assert json.loads(spoilt.body.decode("latin-1"))
    assert spoilt.body.replace(b"\xff", b"") == BODY


def test_a_short_length_is_half_of_what_is_sent(control: ProvidersControl, told: Provider) -> None:
    longer = heard(control, told, kind="short_length")
    assert (int(longer.headers["content-length"]), longer.body) == (len(BODY) // 2, BODY)


def test_a_body_drips_byte_by_byte(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="drip", pause_ms=10)]))
    began, found = CLOCK.now_ms(), []
    with told.connect() as held:
        told.send(held)
        found = list(pieces(held))
    assert parsed(b"".join(found)).body == BODY
    assert len(found) > len(BODY) // 4
    assert CLOCK.now_ms() - began >= 10 * (len(BODY) - 1)


def test_the_head_comes_byte_by_byte_and_then_the_body_at_once(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="slow_head", pause_ms=5)]))
    with told.connect() as held:
        told.send(held)
        found = list(pieces(held))
    slow = parsed(b"".join(found))
    assert (slow.status, slow.body) == (200, BODY)
    assert len(found) > 10
    assert found[0] in b"HTTP/1.1"
    assert BODY in found[-1]


@pytest.mark.parametrize("kind", ["drip", "slow_head", "endless"])
def test_whoever_leaves_in_the_middle_is_missed_by_nobody(control: ProvidersControl, told: Provider, kind: str) -> None:
    control.script(told.name, Script(faults=[Fault.model_validate({"kind": kind, "pause_ms": 1})]))
    with told.connect() as held:
        told.send(held)
        assert held.recv(5)
    assert told.get().body == BODY


@pytest.mark.parametrize("kind", ["truncated", "short_length", "utf16", "bad_utf8", "not_gzip", "html", "redirect"])
def test_the_status_of_a_spoilt_answer_can_be_told(control: ProvidersControl, told: Provider, kind: str) -> None:
    assert heard(control, told, kind=kind, status=599).status == 599


def test_what_is_refused_is_spoilt_as_what_it_is(control: ProvidersControl, told: Provider) -> None:
    control.script(told.name, Script(faults=[Fault(kind="utf16")]))
    assert told.get(authorization=None).status == 401


def test_so_many_requests_pass_unharmed_first(control: ProvidersControl, told: Provider) -> None:
    late = Fault(kind="status", status=500, after=2, times=2)
    control.script(told.name, Script(faults=[late, Fault(kind="status", status=503, times=1)]))
    assert control.faults_left(told.name) == [2, 1]
    assert [told.get().status for _ in range(5)] == [503, 200, 500, 500, 200]
    assert control.faults_left(told.name) == [0, 0]


def test_a_late_fault_counts_only_what_it_applies_to(control: ProvidersControl, told: Provider) -> None:
    late = Fault(kind="status", after=1, applies_to="list", endpoint="b", times=None)
    control.script(told.name, Script(faults=[late]))
    assert [told.get(LIST, at=at).status for at in ("", "@b", "", "@b", "", "@b")] == [200, 200, 200, 500, 200, 500]


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_kind_of_fault_is_documented_and_is_what_the_ledger_says(
    control: ProvidersControl, told: Provider, kind: str
) -> None:
    assert f"`{kind}`" in (Fault.__doc__ or "")
    control.script(told.name, Script(faults=[Fault.model_validate({"kind": kind, "hang_ms": 1, "pause_ms": 1})]))
    with told.connect() as held:
        told.send(held)
        with suppress(ConnectionResetError):
            held.recv(1)
    (call,) = control.ledger(told.name)
    assert call.outcome in {kind, "in-flight", "client-left"}
    assert control.faults_left(told.name) == [0]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"kind": "gzip_bomb", "size_bytes": SIZE_MAX_BYTES + 1}, "faults.0.size_bytes"),
        ({"kind": "deep", "depth": DEPTH_MAX + 1}, "faults.0.depth"),
        ({"kind": "drip", "pause_ms": 0}, "faults.0.pause_ms"),
        ({"kind": "reset", "after": -1}, "faults.0.after"),
    ],
)
def test_every_size_is_bounded(control: ProvidersControl, told: Provider, fault: dict[str, Any], field: str) -> None:
    with pytest.raises(GatespecError, match=f'"field": "{field}"'):
        control._ask("POST", "/_control/script", body=json.dumps({"providers": [told.name], "faults": [fault]}))  # noqa: SLF001 - past the client's own check


# What needs no fault: lies that an item can tell.


@pytest.mark.parametrize(
    "number", ["-1", "0", "1e308", "1e999999999", "-0.0", "9" * 5000, "0." + "1" * 5000, "null", "true"]
)
@pytest.mark.parametrize("adapter", ["digitalocean", "hyperstack"])
def test_numbers_are_served_as_they_are_written(
    control: ProvidersControl, simulated: Callable[[str], Api], adapter: str, number: str
) -> None:
    api = simulated(adapter)
    wire = f'{{"price_hourly":{number},"gpu":{number},"region_name":{number}}}'
    control.script(api.name, Script(items={"k": wire}))
    assert wire.encode() in api.first().body


@pytest.mark.parametrize("adapter", sorted(set(NEW) - {"runpod"}))
def test_one_item_may_stand_twice(control: ProvidersControl, simulated: Callable[[str], Api], adapter: str) -> None:
    api = simulated(adapter)
    document = next(name for name in api.documents if api.wires(name))
    wire = next(item["wire"].strip() for item in api.table["item"] if item["offer"])
    control.script(api.name, Script(items={f"{document}/once": wire, f"{document}/twice": wire}))
    assert api.first().body.count(wire.encode()) == 2


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, "{", "", "1,2", '"\n"'])
def test_an_item_that_would_spoil_the_body_is_refused(control: ProvidersControl, told: Provider, text: str) -> None:
    with pytest.raises((GatespecError, ValueError), match="is not JSON"):
        control.script(told.name, Script(items={"k": text}))
    body = json.dumps({"providers": [told.name], "items": {"k": text}})
    with pytest.raises(GatespecError, match='"field": "items"'):
        control._ask("POST", "/_control/script", body=body)  # noqa: SLF001 - past the client's own check
    assert told.get().body == BODY


def test_the_connection_ends_where_the_length_was_wrong(control: ProvidersControl, told: Provider) -> None:
    """Or the rest of one answer would be read as the next one."""
    control.script(told.name, Script(faults=[Fault(kind="short_length")]))
    with told.connect() as held:
        fields = "Host: simulated\r\nAuthorization: Bearer development-key-not-a-secret\r\n\r\n"
        held.sendall(f"GET /{told.name}{LIST} HTTP/1.1\r\n{fields}".encode())
        assert parsed(everything(held)).body == BODY
