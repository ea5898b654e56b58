"""Judge a recorded history again: the same checkers, no stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.checkers.findings import HistoryUnsound, check_soundness
from gatespec.contract.watch import Watch
from gatespec.drills.drill import load_drills
from gatespec.drills.judge import judge_drill
from gatespec.engine.chapter import load_chapters
from gatespec.engine.conclude import conclude
from gatespec.engine.failure import describe
from gatespec.engine.play import Played
from gatespec.engine.tally import Broken, Tally
from gatespec.errors import unable
from gatespec.history import is_whole, read_history

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatespec.engine.chapter import Chapter
    from gatespec.history import Context, Example
    from gatespec.ports import Binding, Tier
    from gatespec.verdict import Judgement

RECORDED = "# a recorded story is not told again; `gatespec verify` tells it where the gateway is"


@dataclass
class _Judging:
    """One property of the record on one tier."""

    context: Context
    chapter: Chapter
    tally: Tally = field(default_factory=Tally)
    unsound: HistoryUnsound | None = None

    def weigh(self, example: Example) -> None:
        """Judge one story; after one that contradicts itself nothing is concluded from the rest."""
        try:
            check_soundness(example)
        except HistoryUnsound as unsound:
            self.unsound = unsound
        findings = self.chapter.check(example, 0)
        if findings.breaches:
            self.tally.broke(Broken(findings.breaches[0], example))
        self.tally.add(example, findings, self.chapter.witness)

    def judgement(self) -> Judgement:
        """Weigh all of them."""
        broken = self.tally.shortest
        failure = describe(broken, RECORDED, reproduced=0, replays=0) if broken and not self.unsound else None
        return conclude(self.context, self.tally, Played(stopped=self.unsound, failure=failure))


def rejudge(path: Path) -> tuple[Judgement, ...]:
    """Judge every property of a `history.jsonl`; raise `unable` where it holds none."""
    chapters = load_chapters()
    judgings: list[_Judging] = []
    contract: dict[tuple[Tier, Binding], Watch] = {}
    drilled: list[Judgement] = []
    drills = load_drills()
    for example in read_history(path):
        if (drill := drills.get(example.context.property_id)) is not None:
            drilled.append(judge_drill(drill, example))
            continue
        _hear(contract, example)
        if not judgings or judgings[-1].context is not example.context:
            judgings.append(_Judging(example.context, _chapter(chapters, example.context.property_id)))
        judgings[-1].weigh(example)
    if not judgings and not drilled:
        raise unable("history-empty", f"{path} holds no story", hint="judge a history that a whole run wrote")
    heard = tuple(watch.judgement(*medium) for medium, watch in contract.items() if watch.answers)
    return (*(judging.judgement() for judging in judgings), *drilled, *heard)


def _hear(contract: dict[tuple[Tier, Binding], Watch], example: Example) -> None:
    """Hold what was answered on the wire against the document, as far as it was kept."""
    context = example.context
    if context.tier == "component":
        return
    watch = contract.setdefault((context.tier, context.binding), Watch())
    for exchange in example.exchanges:
        watch.heard(exchange, whole=is_whole(exchange, context))


def _chapter(chapters: Mapping[str, Chapter], property_id: str) -> Chapter:
    if property_id not in chapters:
        hint = "judge it with the gatespec that wrote it"
        raise unable("chapter-missing", f"no chapter judges {property_id}", hint=hint)
    return chapters[property_id]
