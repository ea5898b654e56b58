"""From what was seen to a verdict: the first reason to doubt, in the order of how much it spoils."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from gatespec.catalogue import load_catalogue
from gatespec.checkers.findings import HistoryUnsound
from gatespec.errors import GatespecError
from gatespec.ports import Untestable
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.engine.play import Played
    from gatespec.engine.tally import Tally
    from gatespec.history import Context

SHARP_ENOUGH = 0.8
"""Below this share of single-answer verdicts, holding says too little."""
LAG_MAX_MS = 2_000
"""A machine that answers its own echo later than this cannot time anybody else."""


def conclude(context: Context, tally: Tally, played: Played, *, replayed: bool = False, **facts: Any) -> Judgement:  # noqa: ANN401 - Judgement's own fields
    """Weigh what was seen: the first reason to doubt, in the order of how much it spoils.

    One story told again can break a statement; that it did not says nothing of all the others.
    """
    row = load_catalogue().property(context.property_id)
    wanted = row.marks(context.tier)
    missing = [mark for mark in wanted if not tally.marks[mark]]
    verdict, reason = _weigh(tally, missing, played, facts.get("lag_ms", 0))
    if replayed and verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}:
        verdict, reason = (
            Verdict.INCONCLUSIVE,
            "this story does not break the statement now; one story says nothing of all the others",
        )
    return Judgement(
        property_id=row.id,
        title=row.title,
        level=row.level,
        tier=context.tier,
        binding=context.binding,
        verdict=verdict,
        reason=reason,
        statement=row.statement,
        examples=tally.examples,
        distinct=tally.distinct,
        requests=tally.requests,
        sharpness=round(tally.findings.sharpness, 4),
        evidence={mark: tally.marks[mark] for mark in wanted},
        failure=played.failure,
        **facts,
    )


def _weigh(tally: Tally, missing: Sequence[str], played: Played, lag_ms: int) -> tuple[Verdict, str]:
    if played.failure:
        return Verdict.BROKEN, played.failure.breach
    if played.stopped is not None:
        return _stopped(played.stopped)
    if missing:
        return Verdict.INCONCLUSIVE, f"the run never saw: {', '.join(missing)}"
    if tally.findings.sharpness < SHARP_ENOUGH:
        share = f"{tally.findings.sharpness:.0%}"
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
