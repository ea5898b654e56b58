"""What an answer shows: from which call a price is, and what cannot be read is said."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from gatespec.checkers.answers import Malformed, Shown, providers_of, read_body, reads_of, serial_of
from gatespec.checkers.tiers import NoCacheStatus, tiers_of
from gatespec.ports import Exchange, Identity, Request, Span
from tests.checkers.written import Story

WHO = Identity("user", "u", "free")


def asked(path: str, method: str = "GET") -> tuple[str, ...]:
    return providers_of(Request(WHO, 0, method, path))


def test_a_price_names_its_call() -> None:
    assert [serial_of(price) for price in (Decimal("1.01"), "1.10", 2)] == [1, 10, 100]


@pytest.mark.parametrize("price", [1, "0.5", "1.015", "cheap", None])
def test_a_price_that_no_call_ever_said_is_told(price: object) -> None:
    with pytest.raises(Malformed):
        serial_of(price)


def test_only_lists_of_named_providers_are_reads() -> None:
    assert asked("/api/v2/providers?provider=a&provider=b&provider=a&limit=9") == ("a", "b")
    assert asked("/api/v2/providers") == ()
    assert asked("/api/v2/providers/catalog?provider=a") == ()
    assert asked("/api/v2/providers?provider=a", "HEAD") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"{}",
        b'{"items":[{"provider":"a"}],"warnings":[]}',
        b'{"items":[{"provider":"a","price_per_hour":1.01},{"provider":"a","price_per_hour":1.02}],"warnings":[]}',
        b'{"items":[],"warnings":[{"code":"stale","provider":"a","as_of":"yesterday"}]}',
        b'{"items":[],"warnings":[{"code":"stale","provider":"a","as_of":"2026-01-01T00:00:00+02:00"}]}',
    ],
)
def test_what_is_no_list_is_told(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_body(body)


def test_fresh_stale_and_left_out_are_told_apart() -> None:
    assert Shown(1).is_fresh
    assert Shown(1, "stale").is_stale
    assert not Shown(1, "timeout").is_fresh
    assert not Shown(1, "timeout").is_stale
    assert not Shown(None, "stale").is_stale


def test_of_several_warnings_of_a_provider_the_mark_counts() -> None:
    late, stale = ({"code": code, "provider": "a", "as_of": None} for code in ("timeout", "stale"))
    item = {"provider": "a", "price_per_hour": "1.02"}
    for told in ([late, stale], [stale, late]):
        assert read_body(json.dumps({"items": [item], "warnings": told}).encode()) == {"a": Shown(2, "stale")}


def test_who_was_not_asked_may_not_be_spoken_of() -> None:
    (read,) = reads_of(Story().read(0, 1, {"a": 1, "b": 1}).example)
    assert "'b'" in read.fault


def test_spans_in_process_touch_and_on_the_wire_are_rounded() -> None:
    for tier, before in (("component", False), ("wire", True)):
        first, second = reads_of(Story(tier=tier).read(0, 5, 1).read(5, 9, 1).example)  # type: ignore[arg-type]  # a parameter is a str
        assert first.is_before(second) is before
        assert second.is_alone("a", [first, second]) is before


def status(text: str | None) -> Exchange:
    headers = {} if text is None else {"cache-status": text}
    return Exchange(Request(WHO), Span(0, 0), 200, headers, json.dumps({}).encode())


def test_the_tiers_of_the_contracts_own_example() -> None:
    l1, l2 = tiers_of(status("l1; hit; ttl=41, l2; fwd=miss; stored")).values()
    assert (l1.name, l1.is_fresh_hit, l1.ttl_s) == ("l1", True, 41)
    assert (l2.name, l2.hit, l2.forwarded) == ("l2", False, "miss")
    assert not tiers_of(status("l2; hit; ttl=-3"))["l2"].is_fresh_hit


@pytest.mark.parametrize("text", [None, "l1; ;", "l1; hit; ttl=soon"])
def test_a_field_that_says_nothing_is_told(text: str | None) -> None:
    with pytest.raises(NoCacheStatus):
        tiers_of(status(text))
