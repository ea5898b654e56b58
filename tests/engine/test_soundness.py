"""A record that contradicts itself is told apart from one that convicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatespec.checkers.findings import HistoryUnsound, check_soundness
from gatespec.history import Context, Example
from gatespec.read_ports import Disturbance, UpstreamCall

A1, A2 = UpstreamCall("a", 1, 10, 20, "ok"), UpstreamCall("a", 2, 15, None, "in-flight")
B1 = UpstreamCall("b", 1, 12, 12, "status")
HANGS, WELL = Disturbance("store", "", "hanging", 10, 12), Disturbance("store", "", "well", 12, 12)


def example(*seen: UpstreamCall | Disturbance) -> Example:
    return Example(
        Context("P01", "wire", "http", 2, {}),
        0,
        calls=[one for one in seen if isinstance(one, UpstreamCall)],
        disturbances=[one for one in seen if isinstance(one, Disturbance)],
    )


def test_calls_and_disturbances_in_their_order_are_sound() -> None:
    check_soundness(example(A1, B1, A2, HANGS, WELL))


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ((A2,), "call 2 of a comes after call 0"),
        ((A1, A1), "call 1 of a comes after call 1"),
        ((A1, B1, replace(A2, serial=3)), "call 3 of a comes after call 1"),
        ((A1, replace(A2, began_ms=9)), "arrived before the one before it"),
        ((replace(A1, ended_ms=9),), "ended before it began"),
        ((replace(HANGS, done_ms=9),), "disturbance 0 has no end"),
        ((HANGS, replace(WELL, began_ms=9)), "disturbance 1 has no end, or stands before its turn"),
    ],
)
def test_what_cannot_have_been_is_told(seen: tuple[UpstreamCall | Disturbance, ...], why: str) -> None:
    with pytest.raises(HistoryUnsound, match=why):
        check_soundness(example(*seen))
