"""How long a whole judgement takes, as `make verify PROFILE=core` makes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.cli.verify import lanes_for
from gatespec.engine.plan import Silence, VerifyPlan
from gatespec.engine.run import verify
from gatespec.errors import unable
from gatespec.report.entries import headline
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatespec.target import Target
    from gatespec.verdict import Run


@dataclass(frozen=True)
class Case:
    """One property on one tier and binding: how long its stories took, and how late the machine was beside them."""

    property_id: str
    tier: str
    binding: str
    took_ms: int
    waited_ms: int
    lag_ms: int
    examples: int


@dataclass(frozen=True)
class Judged:
    """A whole judgement."""

    took_ms: int
    """From the first judge's start to the last one's end."""
    in_turn_ms: int
    """What its cases took, one after the other; without what starting and ending takes."""
    lanes: int
    """Lanes at a time."""
    cases: tuple[Case, ...]

    @property
    def lag_ms(self) -> int:
        """The worst that an echo beside any of it took."""
        return max(case.lag_ms for case in self.cases)


def judge_whole(target: Target, out: Path, watch: Callable[[str], None]) -> Judged:
    """Judge what the target claims as `core`; raise `unable` where it does not hold: then the time says nothing."""
    watch("judging all that core holds")
    lanes = lanes_for(os.cpu_count() or 1)
    run = verify(VerifyPlan(target, out / "judgement", "", claim="core", side_by_side=lanes), Silence())
    if run.verdict is not Verdict.HOLDS:
        told = headline(run.judgements, run.verdict)
        raise unable("judgement-doubted", f"a judgement that does not hold is no figure: {told}")
    return judged(run, lanes)


def judged(run: Run, lanes: int) -> Judged:
    """Sum up a run."""
    cases = tuple(
        Case(j.property_id, j.tier, j.binding, j.took_ms, j.waited_ms, j.lag_ms, j.examples) for j in run.judgements
    )
    return Judged(run.took_ms, sum(case.took_ms for case in cases), lanes, cases)
