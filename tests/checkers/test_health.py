"""What the ledger says of an endpoint: surely, or only perhaps."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gatespec.checkers.health import RETRY_MS, SETTLE_MS, Health, Rules, State
from gatespec.read_ports import UpstreamCall

if TYPE_CHECKING:
    from gatespec.read_ports import CallKind

RULES = Rules(slow_ms=2_000, interval_ms=30_000, window=10, failure_rate=Decimal("0.5"), trials=3)
WELL, SLOW, OUT = State(out=False, slow=False), State(out=False, slow=True), State(out=True, slow=False)


class Written:
    """An endpoint's results, one a second."""

    def __init__(self) -> None:
        self.results: list[UpstreamCall] = []

    def add(self, outcome: str = "ok", took_ms: int = 0, kind: CallKind = "list") -> Written:
        ended_ms = 1_000 * (len(self.results) + 10)
        self.results.append(UpstreamCall("p", 0, ended_ms - took_ms, ended_ms, outcome, 0, kind))
        return self

    def states(self, after_ms: int = SETTLE_MS, rules: Rules = RULES) -> frozenset[State]:
        moment_ms = (self.results[-1].ended_ms or 0) + after_ms
        return Health(self.results, rules, 0).states(moment_ms, moment_ms)


def row(count: int, outcome: str = "status", took_ms: int = 0) -> Written:
    written = Written()
    for _ in range(count):
        written.add(outcome, took_ms)
    return written


def test_three_failures_in_a_row_put_it_out_and_two_do_not() -> None:
    assert row(3).states() == {OUT}
    assert row(2).states() == {WELL}
    assert row(2).add().add("status").states() == {WELL}


def test_until_all_instances_know_it_may_be_either() -> None:
    assert row(3).states(SETTLE_MS - 1) == {WELL, OUT}


def test_a_failed_probe_puts_it_out_and_only_a_probe_brings_it_back() -> None:
    assert row(1, "ok").add("status", kind="probe").states() == {OUT}
    assert row(3).add("ok").states() == {OUT}
    assert row(3).add("ok", kind="probe").states() == {WELL}


def test_whether_a_probe_ends_a_row_of_failures_is_left_open() -> None:
    assert row(2).add("ok", kind="probe").add("status").states() == {WELL, OUT}
    assert row(2).add("ok", kind="probe").add("status").add("status").add("status").states() == {OUT}


@pytest.mark.parametrize("outcome", ["unauthorized", "forbidden", "limited"])
def test_a_refused_credential_or_a_pause_is_no_failure_for_certain(outcome: str) -> None:
    assert row(5, outcome).states() == {WELL}


def test_ten_attempts_above_the_bound_make_it_slow_and_fewer_may() -> None:
    assert row(10, "ok", 2_001).states() == {SLOW}
    assert row(10, "ok", 2_000).states() == {WELL}
    assert row(9, "ok", 2_001).states() == {WELL, SLOW}


def test_the_last_ten_count_and_probes_do_not() -> None:
    slow = row(10, "ok", 3_000)
    for _ in range(10):
        slow.add("ok", kind="probe")
    assert slow.states() == {SLOW}
    for _ in range(4):
        slow.add("ok")
    assert slow.states() == {WELL}


def test_whether_failed_attempts_have_a_latency_is_left_open() -> None:
    slow = row(10, "ok", 2_400)
    slow.add("status").add("status")
    assert slow.states() == {SLOW, WELL}


def test_without_probes_it_may_be_tried_again_after_a_while() -> None:
    off = Rules(2_000, 0, 10, Decimal("0.5"), 3)
    assert row(3).states(RETRY_MS - 1, off) == {OUT}
    assert row(3).states(RETRY_MS + SETTLE_MS, off) == {OUT, WELL}
