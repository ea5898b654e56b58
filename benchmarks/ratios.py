"""The arithmetic: medians over rounds, and ratios of two contenders round by round."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contest import BASELINES, GATEWAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.contest import Round

    Measure = Callable[[Round], float]


@dataclass(frozen=True)
class Spread:
    """What the rounds said, least to most."""

    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Ratio:
    """The gateway's value divided by a baseline's, in one workload."""

    workload: str
    baseline: str
    requests_per_s: Spread
    cpu_per_request: Spread


def spread(values: Iterable[float]) -> Spread:
    """Sum up one value per round; raises ValueError where there was none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return Spread(ordered[0], median(ordered), ordered[-1])


def ratios(rounds: Sequence[Round]) -> list[Ratio]:
    """Compare the gateway with each baseline, each round with the one beside it: what slows both cancels out."""
    workloads = dict.fromkeys(each.workload for each in rounds)
    return [_ratio(rounds, workload, baseline) for workload in workloads for baseline in BASELINES]


def of(rounds: Iterable[Round], workload: str, contender: str) -> list[Round]:
    """The rounds of one contender in one workload, in their order."""
    chosen = [each for each in rounds if (each.workload, each.contender) == (workload, contender)]
    return sorted(chosen, key=lambda each: each.number)


def _ratio(rounds: Sequence[Round], workload: str, baseline: str) -> Ratio:
    pairs = list(zip(of(rounds, workload, GATEWAY), of(rounds, workload, baseline), strict=True))

    def over(measure: Measure) -> Spread:
        return spread(measure(gateway) / measure(other) for gateway, other in pairs)

    return Ratio(workload, baseline, over(lambda each: each.per_s), over(lambda each: each.cpu_per_1000_s))
