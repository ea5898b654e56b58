from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.arena import check_statuses
from benchmarks.books import Account, Books, Total, differences, total
from benchmarks.contest import GATEWAY, Load, Workload
from benchmarks.measure import SHOWN_MAX, check_books
from gatespec.errors import Exit, GatespecError

if TYPE_CHECKING:
    from collections.abc import Callable


def test_equal_books_differ_in_nothing(agreed: Books) -> None:
    assert differences(agreed) == []
    check_books([agreed])


def test_a_lost_log_line_is_named_with_all_three_counts(line_lost: Books) -> None:
    assert differences(line_lost) == [
        "one, round 1: status 200: the client counts 100, the log 99, /metrics 100",
        "one, round 1: Cache-Status hit: the client counts 99, the log 98, /metrics 99",
    ]


CACHES = {"hit": 99, "miss": 1}
ONE_OFF: dict[str, Callable[[Books], Books]] = {
    "a request that /metrics missed": lambda b: replace(b, metered=Account({200: 99}, CACHES)),
    "a request that nobody sent": lambda b: replace(b, logged=Account({200: 100, 304: 1}, CACHES)),
    "an answer that never came": lambda b: replace(b, sent=Account({200: 99, 0: 1}, CACHES)),
    "a hit told as a miss": lambda b: replace(b, sent=Account({200: 100}, {"hit": 98, "miss": 2})),
    "a lookup not counted": lambda b: replace(b, metered=Account({200: 100}, {"hit": 98, "miss": 1, "none": 1})),
    "a request that passed beside the limiter": lambda b: replace(b, limited={"admitted": 99}),
    "a refusal": lambda b: replace(b, limited={"admitted": 99, "refused": 1}),
    "a call that the provider never got": lambda b: replace(b, calls_received=0),
    "a call that the gateway never counted": lambda b: replace(b, calls_metered=0),
    "calls without a miss": lambda b: replace(b, calls_metered=2, calls_received=2),
    "a miss without a call": lambda b: replace(b, calls_metered=0, calls_received=0),
    "a gateway that complained": lambda b: replace(b, complaints=('{"level": "warning"}',)),
}


@pytest.mark.parametrize("off", ONE_OFF.values(), ids=ONE_OFF.keys())
def test_whatever_is_off_by_one_forbids_the_numbers(agreed: Books, off: Callable[[Books], Books]) -> None:
    books = off(agreed)
    with pytest.raises(GatespecError) as caught:
        check_books([agreed, books])
    assert caught.value.code == "benchmark-unequal"
    assert caught.value.exit_code == Exit.COULD_NOT_JUDGE
    assert caught.value.tried == "\n         ".join(differences(books))


def test_many_differences_are_cut_short(line_lost: Books) -> None:
    with pytest.raises(GatespecError) as caught:
        check_books([line_lost] * SHOWN_MAX)
    assert len(caught.value.tried.splitlines()) == SHOWN_MAX + 1
    assert caught.value.tried.endswith(f"and {SHOWN_MAX} more")


PLAIN, CONDITIONAL = Workload("plain", 1), Workload("conditional", 1, conditional=True)


@pytest.mark.parametrize(("workload", "statuses"), [(PLAIN, {200: 9}), (CONDITIONAL, {200: 1, 304: 8})])
def test_what_is_measured_may_be_answered(workload: Workload, statuses: dict[int, int]) -> None:
    check_statuses(Load(9, 1.0, 1.0, 1.0, statuses), workload, GATEWAY)


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ({200: 8, 429: 1}, "1 x 429"),
        ({200: 8, 304: 1}, "1 x 304"),
        ({200: 8, 0: 1}, "1 x no answer"),
        ({}, "nothing at all"),
    ],
)
def test_refusals_and_errors_are_not_measured(statuses: dict[int, int], told: str) -> None:
    with pytest.raises(GatespecError, match=told) as caught:
        check_statuses(Load(sum(statuses.values()), 1.0, 1.0, 1.0, statuses), PLAIN, GATEWAY)
    assert caught.value.exit_code == Exit.COULD_NOT_JUDGE


def test_totals_add_up(agreed: Books) -> None:
    assert total([agreed, agreed]) == Total(200, {"hit": 198, "miss": 2}, 2)
