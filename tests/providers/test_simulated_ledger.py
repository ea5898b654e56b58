"""The ledger: every call, once, as it was; and no evidence from one that overflowed."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock, until
from gatespec.errors import GatespecError
from gatespec.providers import control_client
from gatespec.providers.ledger import Call, Ledger, fingerprint
from gatespec.providers.script import Fault, Script
from tests.providers.simulated_wire import KEY, LIST, PROBE

if TYPE_CHECKING:
    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_wire import Provider

CLOCK = MonotonicClock()
SEEN_MS = 5000


def test_a_call_is_written_down_as_it_was(control: ProvidersControl, provider: Provider) -> None:
    began = CLOCK.now_ms()
    provider.get(at="@b")
    ended = CLOCK.now_ms()
    (call,) = control.ledger(provider.name)
    assert (call.provider, call.endpoint, call.kind, call.method, call.path) == (
        provider.name,
        "b",
        "list",
        "GET",
        LIST,
    )
    assert (call.credential, call.fingerprint) == (KEY, hashlib.sha256(KEY.encode()).hexdigest()[:12])
    assert (call.status, call.outcome) == (200, "ok")
    assert call.ended_ms is not None
    assert began <= call.began_ms <= call.ended_ms <= ended


def test_kinds_and_outcomes_tell_calls_apart(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(faults=[Fault(kind="reset"), Fault(kind="rate_limited")]))
    with provider.connect() as held:
        provider.send(held)
        with pytest.raises(ConnectionResetError):
            held.recv(1)
    provider.get()
    provider.get(PROBE)
    provider.get("/api/v1/nothing")
    provider.get(authorization=None)
    calls = control.ledger(provider.name)
    assert [(call.kind, call.outcome, call.status) for call in calls] == [
        ("list", "reset", None),
        ("list", "rate_limited", 429),
        ("probe", "ok", 200),
        ("other", "refused", 404),
        ("list", "refused", 401),
    ]
    assert calls[-1].fingerprint == calls[-1].credential == ""
    assert [call.kind for call in control.ledger(provider.name, "probe")] == ["probe"]
    assert control.ledger(provider.name, after=calls[2].number) == calls[3:]


def test_credentials_are_told_only_to_who_asks_and_never_in_a_repr(base_url: str, provider: Provider) -> None:
    provider.get(authorization="Bearer swordfish")
    told = {asked: ledger_body(base_url, provider, asked) for asked in ("", "&credentials=0", "&credentials=1")}
    assert [b"swordfish" in body for body in told.values()] == [False, False, True]
    call = Call(1, "p", "", "list", "GET", LIST, "swordfish", fingerprint("swordfish"), 0)
    assert "swordfish" not in repr(call)


def ledger_body(base_url: str, provider: Provider, asked: str) -> bytes:
    root = type(provider)(base_url, "_control")
    return root.get(f"/ledger?provider={provider.name}{asked}").body


def test_a_call_in_flight_is_seen_and_one_whose_client_left_too(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(faults=[Fault(kind="hang")]))
    with provider.connect() as held:
        provider.send(held)
        assert until(lambda: len(control.ledger(provider.name)) == 1, at_most_ms=SEEN_MS)
        (call,) = control.ledger(provider.name)
        assert (call.outcome, call.ended_ms) == ("in-flight", None)
    assert until(lambda: control.ledger(provider.name)[0].outcome == "client-left", at_most_ms=SEEN_MS)
    assert control.ledger(provider.name)[0].status is None


def test_the_ledger_is_exact_under_concurrency(control: ProvidersControl, provider: Provider) -> None:
    names = [f"lambda-{number}" for number in (190, 191, 192)]
    crowd = [type(provider)(provider.base_url, name) for name in names]
    asked = [(crowd[number % 3], PROBE if number % 4 == 0 else LIST, f"Bearer key-{number}") for number in range(360)]
    control.script(names, Script(latency_ms=5, faults=[Fault(kind="status", times=10)]))
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda row: row[0].get(row[1], row[2]).status, asked))
    calls = [call for name in names for call in control.ledger(name)]
    assert Counter((call.provider, call.path, call.credential) for call in calls) == Counter(
        (who.name, path, authorization.removeprefix("Bearer ")) for who, path, authorization in asked
    )
    assert Counter(call.status for call in calls) == Counter(answers) == {500: 30, 401: 330}
    assert len({call.number for call in calls}) == 360
    assert all(
        earlier.began_ms <= later.began_ms
        for earlier, later in itertools.pairwise(calls)
        if earlier.provider == later.provider
    )


def test_clearing_forgets_one_provider_only(control: ProvidersControl, provider: Provider) -> None:
    neighbour = type(provider)(provider.base_url, "lambda-198")
    neighbour.get()
    provider.get()
    before = len(control.ledger("lambda-198"))
    assert control.clear_ledger(provider.name) == 1
    assert control.ledger(provider.name) == []
    assert len(control.ledger("lambda-198")) == before


def call_of(provider: str = "p") -> Call:
    return Call(0, provider, "", "list", "GET", LIST, "", "", 0)


def test_a_full_ledger_counts_what_it_drops() -> None:
    ledger = Ledger(calls_max=2)
    numbers = [ledger.begin(call_of()) for _ in range(5)]
    assert numbers == [1, 2, 3, 4, 5]
    ledger.end(5, 9, "ok", 200)
    assert (len(ledger.calls()), ledger.dropped) == (2, 3)


def test_a_call_that_was_cleared_in_flight_stays_cleared() -> None:
    ledger = Ledger()
    number = ledger.begin(call_of())
    ledger.clear()
    ledger.end(number, 9, "ok", 200)
    assert ledger.calls() == []
    assert ledger.begin(call_of()) == number + 1


def test_clearing_one_provider_does_not_hide_what_was_dropped() -> None:
    ledger = Ledger(calls_max=1)
    ledger.begin(call_of("a"))
    ledger.begin(call_of("b"))
    ledger.clear("a")
    assert ledger.dropped == 1
    ledger.clear()
    assert ledger.dropped == 0


def test_the_client_refuses_a_ledger_that_dropped_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"calls": [], "dropped": 3, "strays": 0}
    monkeypatch.setattr(control_client.ProvidersControl, "_ask", lambda *_: said)
    with pytest.raises(GatespecError, match="3 calls more than their ledger holds"):
        control_client.ProvidersControl("http://127.0.0.1:1").ledger()
