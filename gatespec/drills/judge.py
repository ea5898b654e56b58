"""From a drill's record to its judgement: pure, so that `gatespec judge` says the same without the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.findings import HistoryUnsound, check_soundness
from gatespec.drills.evidence import evidence_of
from gatespec.drills.phases import is_healed
from gatespec.drills.timeline import timeline_of
from gatespec.engine.conclude import LAG_MAX_MS
from gatespec.verdict import Failure, Judgement, Verdict

if TYPE_CHECKING:
    from gatespec.checkers.findings import Breach
    from gatespec.drills.drill import Drill
    from gatespec.history import Example

SHOWN_MAX = 20
"""Breaches that a judgement spells out."""


def judge_drill(drill: Drill, example: Example) -> Judgement:
    """Hold every claim against the record; the first reason to doubt is the verdict's."""
    evidence = evidence_of(example, drill.heals_ms, drill.saw)
    missing = [mark for mark, seen in evidence.items() if not seen]
    broken = [(claim.__name__, breach) for claim in drill.claims for breach in claim(example, drill.heals_ms)]
    verdict, reason = _weigh(example, missing, broken)
    return Judgement(
        property_id=drill.name,
        title=drill.name.replace("_", " "),
        level="MUST",
        tier="wire",
        binding=example.context.binding,
        verdict=verdict,
        reason=reason,
        statement=drill.sentence,
        examples=1,
        distinct=1,
        requests=len(example.exchanges),
        provider_calls=len(example.calls),
        evidence=evidence,
        lag_ms=example.lag_ms,
        failure=_failure(drill, example, broken) if verdict is Verdict.BROKEN else None,
        timeline=timeline_of(example),
    )


def _weigh(example: Example, missing: list[str], broken: list[tuple[str, Breach]]) -> tuple[Verdict, str]:
    if reason := _unsound(example):
        return Verdict.HARNESS_ERROR, reason
    if {"fault-made", "fault-bit"} & set(missing):
        return Verdict.INCONCLUSIVE, "the fault did not bite, so nothing was drilled"
    if broken:
        claim, breach = broken[0]
        return Verdict.BROKEN, f"{claim.replace('_', ' ')}: {breach.what}"
    if missing:
        return Verdict.INCONCLUSIVE, f"the run never saw: {', '.join(missing)}"
    if example.lag_ms > LAG_MAX_MS:
        return Verdict.INCONCLUSIVE, f"the machine was too slow: an echo beside the run took {example.lag_ms} ms"
    return Verdict.HOLDS, ""


def _unsound(example: Example) -> str:
    """Why nothing may be concluded from the record; empty where something may."""
    try:
        check_soundness(example)
    except HistoryUnsound as unsound:
        return f"the history is unsound: {unsound}"
    return "" if is_healed(example) else "the fault was not taken back"


def _failure(drill: Drill, example: Example, broken: list[tuple[str, Breach]]) -> Failure:
    """The first breach, and a line for each of the others."""
    seed = example.story[0][1].get("seed", 0) if example.story else 0
    told = tuple(f"{claim.replace('_', ' ')}: {breach.what}" for claim, breach in broken[:SHOWN_MAX])
    done = tuple(f"{d.what} {d.whom} {d.how}, {d.began_ms} to {d.done_ms} ms" for d in example.disturbances)
    return Failure(
        statement=drill.sentence,
        breach=told[0],
        story=told,
        requests=(),
        answers=(),
        replay=f"uv run gatespec drill {drill.name} --seed {seed}",
        reproduced=0,
        replays=0,
        meanwhile=done,
    )
