from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.contest import BARE, NINJA
from benchmarks.ratios import Spread, ratios, spread

if TYPE_CHECKING:
    from benchmarks.contest import Round


def test_a_spread_is_least_median_most_whatever_the_order() -> None:
    assert spread([3.0, 1.0, 10.0]) == Spread(1.0, 3.0, 10.0)
    assert spread([4.0, 1.0]) == Spread(1.0, 2.5, 4.0)


def test_nothing_has_no_median() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


def test_a_round_counts_per_second_and_per_thousand(rounds: list[Round]) -> None:
    assert rounds[0].per_s == 1600
    assert rounds[0].cpu_per_1000_s == 0.5
    assert rounds[0].redis_cpu_per_1000_s == 0.125


def test_a_ratio_compares_round_by_round(rounds: list[Round]) -> None:
    bare, ninja = ratios(rounds)
    assert (bare.workload, bare.baseline, ninja.baseline) == ("one", BARE, NINJA)
    assert bare.requests_per_s == Spread(0.5, 0.5, 0.5)
    assert bare.cpu_per_request == Spread(2.0, 2.0, 2.0)
    assert ninja.requests_per_s == Spread(10.0, 10.0, 10.0)


def test_rounds_are_paired_by_number_not_by_place(rounds: list[Round]) -> None:
    first, *others = rounds
    assert ratios([*others, first]) == ratios(rounds)


def test_a_round_without_its_baseline_is_no_ratio(rounds: list[Round]) -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios(rounds[:-1])
