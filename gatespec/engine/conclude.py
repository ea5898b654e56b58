"""From what was seen to a verdict: the first reason to doubt, in the order of how much it spoils."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from gatespec.checkers.findings import HistoryUnsound
from gatespec.errors import GatespecError
from gatespec.ports import Untestable
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from gatespec.catalogue import Property
    from gatespec.engine.play import Played
    from gatespec.engine.stage import Stage

SHARP_ENOUGH = 0.8
"""Below this share of single-answer verdicts, holding says too little."""
LAG_MAX_MS = 2_000
"""A machine that answers its own echo later than this cannot time anybody else."""


def conclude(stage: Stage, row: Property, played: Played, **facts: Any) -> Judgement:  # noqa: ANN401 - Judgement's own fields
    """Weigh what was seen: the first reason to doubt, in the order of how much it spoils."""
    verdict, reason = _weigh(stage, row, played, facts.get("lag_ms", 0))
    wanted = row.marks(stage.context.tier)
    return Judgement(
        property_id=row.id,
        title=row.title,
        level=row.level,
        tier=stage.context.tier,
        binding=stage.context.binding,
        verdict=verdict,
        reason=reason,
        statement=row.statement,
        examples=stage.told_count,
        distinct=len(stage.told),
        requests=stage.requests,
        sharpness=round(stage.findings.sharpness, 4),
        evidence={mark: stage.findings.marks[mark] for mark in wanted},
        failure=played.failure,
        **facts,
    )


def _weigh(stage: Stage, row: Property, played: Played, lag_ms: int) -> tuple[Verdict, str]:
    if played.failure:
        return Verdict.BROKEN, played.failure.breach
    if played.stopped is not None:
        return _stopped(played.stopped)
    missing = [mark for mark in row.marks(stage.context.tier) if not stage.findings.marks[mark]]
    if missing:
        return Verdict.INCONCLUSIVE, f"the run never saw: {', '.join(missing)}"
    if stage.findings.sharpness < SHARP_ENOUGH:
        share = f"{stage.findings.sharpness:.0%}"
        return (
            Verdict.INCONCLUSIVE,
            f"only {share} of the answers had a single permitted verdict, {SHARP_ENOUGH:.0%} is enough",
        )
    if lag_ms > LAG_MAX_MS:
        return Verdict.INCONCLUSIVE, f"the machine was too slow: an echo beside the run took {lag_ms} ms"
    return Verdict.HOLDS, ""


def _stopped(error: Exception) -> tuple[Verdict, str]:
    if isinstance(error, Untestable):
        return Verdict.UNTESTABLE, str(error)
    if isinstance(error, GatespecError):
        return Verdict.HARNESS_ERROR, f"{error.code}: {error.message}"
    if isinstance(error, HistoryUnsound):
        return Verdict.HARNESS_ERROR, f"the history is unsound: {error}"
    return Verdict.HARNESS_ERROR, "".join(traceback.format_exception_only(error)).strip()
