"""Stands where the engine stands, and finds what a test wants it to find."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatespec.verdict import Failure, Judgement, Run, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatespec.engine.plan import Progress, VerifyPlan

FAILURE = Failure(
    statement="Admissions are counted over the trailing window.",
    breach="6 admissions within 300 ms, where 5 are permitted",
    story=("asks(count=5)", "asks([red]again[/red])"),
    requests=("curl -si http://127.0.0.1:8000/",),
    answers=("200",),
    replay=f'gatespec verify --only P08 --tier wire --replay \'[["asks",{{"count":5,"note":"{"long " * 40}"}}]]\'',
    reproduced=5,
    replays=5,
)
HELD = Judgement(
    "P03", "Plan limits", "MUST", "wire", "http", Verdict.HOLDS, "", statement="s", examples=300, requests=2410
)


def judgement(verdict: Verdict, property_id: str = "P08") -> Judgement:
    """One that ended like this, with all that such a verdict brings along."""
    held = replace(HELD, property_id=property_id, title="Sliding window", statement=FAILURE.statement)
    reason = "" if verdict is Verdict.HOLDS else f"this is why: {verdict}"
    return replace(held, verdict=verdict, reason=reason, failure=FAILURE if verdict is Verdict.BROKEN else None)


@dataclass
class Result:
    """What the shell sees."""

    code: int
    out: str
    err: str


@dataclass
class Engine:
    """Stands where the engine stands: the command alone is tested here."""

    finds: Sequence[Judgement] = (HELD,)
    raises: BaseException | None = None
    plans: list[VerifyPlan] = field(default_factory=list)

    def verify(self, plan: VerifyPlan, progress: Progress) -> Run:
        self.plans.append(plan)
        if self.raises is not None:
            raise self.raises
        for found in self.finds:
            progress.start(found.property_id, found.tier, found.binding, 300)
            progress.example(found.property_id, found.tier, found.binding, 300)
            progress.finish(found)
        return Run(plan.target.name, plan.profile, plan.seed, "now", 1_000, plan.command, (), tuple(self.finds))

    def rejudge(self, path: Path) -> tuple[Judgement, ...]:
        assert path.is_file()
        return tuple(self.finds)
