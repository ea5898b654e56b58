"""A credential that Vault was never asked for came from elsewhere, however right it is."""

from __future__ import annotations

from dataclasses import replace

from gatespec.checkers.audited import asked_for, fault_in_source
from gatespec.history import Context, Example
from gatespec.read_ports import Disturbance, UpstreamCall

CONTEXT = Context("P18", "wire", "http", 2, {})


def told(*audited: tuple[str, str]) -> Example:
    done = [Disturbance("audit", whom, how, place, place) for place, (whom, how) in enumerate(audited)]
    return replace(Example(CONTEXT, 1), disturbances=done)


def call(mark: str, provider: str = "p") -> UpstreamCall:
    return UpstreamCall(provider, 1, 10, 20, "ok", credential=mark)


def test_what_vault_was_asked_for_may_be_used() -> None:
    asked = asked_for(told(("", "watched"), ("p", "house:0 read"), ("p", "user:ann:1 read")))
    assert fault_in_source(asked, call("house:0")) is None
    assert fault_in_source(asked, call("user:ann:1")) is None


def test_what_nobody_asked_for_came_from_elsewhere() -> None:
    asked = asked_for(told(("", "watched"), ("p", "house:0 read")))
    assert "house:1" in (fault_in_source(asked, call("house:1")) or "")
    assert fault_in_source(asked, call("house:0", "q")) is not None
    assert fault_in_source(asked_for(told(("", "watched"))), call("house:0")) is not None


def test_where_nobody_looks_at_the_log_nothing_is_said() -> None:
    assert fault_in_source(asked_for(told()), call("house:0")) is None
    assert fault_in_source(asked_for(told(("", "watched"))), call("")) is None
