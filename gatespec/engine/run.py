"""One run of the judge: every chosen property on every chosen tier, recorded and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.clock import MonotonicClock, timestamp
from gatespec.engine.court import open_court
from gatespec.engine.docket import choose, docket, named, not_asked_for, shares, worst_of_each
from gatespec.engine.side_by_side import judge_side_by_side
from gatespec.traceability import matrix
from gatespec.verdict import Run, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.engine.docket import Case
    from gatespec.engine.plan import Progress, VerifyPlan
    from gatespec.verdict import Judgement, Service


def verify(plan: VerifyPlan, progress: Progress) -> Run:
    """Judge what the plan asks for; write `history.jsonl` beside where the reports will be."""
    clock = MonotonicClock()
    began, started_at = clock.now_ms(), timestamp()
    chosen = choose(plan)
    judges = judge_side_by_side if _can_be_shared(plan, cases := docket(plan, chosen)) else _judge_in_turn
    judgements, services = judges(plan, progress, cases)
    before, judgements = {case.name for case in cases}, worst_of_each(judgements)
    for behind in (each for each in judgements if named(each) not in before):
        progress.finish(behind)
    for missing in (rest := not_asked_for(plan, chosen)):
        progress.finish(missing)
    judgements = (*judgements, *rest)
    doubted = {j.property_id for j in judgements if j.verdict is not Verdict.HOLDS}
    judged = {j.property_id for j in judgements} - doubted
    return Run(
        target=plan.target.name,
        profile=plan.profile,
        seed=plan.seed,
        started_at=started_at,
        took_ms=clock.now_ms() - began,
        command=plan.command,
        services=services,
        judgements=judgements,
        requirements=matrix(load_catalogue(), judged),
    )


def _can_be_shared(plan: VerifyPlan, cases: Sequence[Case]) -> bool:
    """A gateway that runs already is one, and whoever speaks to it is lent: there all wait for their turn."""
    return plan.side_by_side > 1 and plan.target.door == "command" and len(shares(cases)) > 1


def _judge_in_turn(
    plan: VerifyPlan, progress: Progress, cases: Sequence[Case]
) -> tuple[tuple[Judgement, ...], tuple[Service, ...]]:
    with open_court(plan, progress) as court:
        judgements = [court.judge(case) for case in cases]
        return (*judgements, *court.leave_lanes()), court.backstage.services
