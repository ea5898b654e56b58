"""Several judges at a time: each is a process with a stack of its own, and gets the next share when it has judged one.

On the wire a judge mostly waits, in process it reckons: so there are judges for lanes, and judges for what is judged in
process, which stand back wherever somebody who measures time wants the machine.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, TypeAlias

from gatespec.clock import timestamp
from gatespec.engine.court import open_history
from gatespec.engine.docket import in_order, named, shares
from gatespec.engine.judge_process import JudgeProcess
from gatespec.history import HistoryWriter
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatespec.engine.docket import Case
    from gatespec.engine.plan import Progress, VerifyPlan
    from gatespec.verdict import Judgement, Service

    Judged: TypeAlias = "tuple[tuple[Judgement, ...], tuple[Service, ...]]"

PARTS = "history.parts"
"""The folder of what each case was told, until all are one history; a judge that was killed leaves it."""


def judge_side_by_side(plan: VerifyPlan, progress: Progress, cases: Sequence[Case]) -> Judged:
    """Judge all cases, at most `plan.side_by_side` lanes at a time; raise what any judge raised, and end the others."""
    with one_history(plan, cases) as parts, ExitStack() as ends:
        panel = Panel(plan, progress, cases, parts)
        ends.callback(panel.end)
        panel.judge()
        told = (*in_order(cases, panel.judgements), *panel.left_behind)
        return told, tuple(dict.fromkeys(panel.services))


@contextmanager
def one_history(plan: VerifyPlan, cases: Sequence[Case]) -> Iterator[list[Path]]:
    """A file for each case; in the end, however it comes, all of them in the order of the docket are one history."""
    with open_history(plan) as out:
        HistoryWriter(out, target=plan.target.name, started_at=timestamp())
        folder = plan.out / PARTS
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        parts = [folder / f"{place:03}.jsonl" for place in range(len(cases))]
        try:
            yield parts
        finally:
            for part in parts:
                if part.exists():
                    out.write(part.read_text(encoding="utf-8"))
            shutil.rmtree(folder)


class Panel:
    """The judges, what is still to be judged, and what came of the rest."""

    def __init__(self, plan: VerifyPlan, progress: Progress, cases: Sequence[Case], parts: Sequence[Path]) -> None:
        self.judgements: list[Judgement] = []
        self.left_behind: list[Judgement] = []
        """What came of lanes that ended, beside what was judged on them."""
        self.services: list[Service] = []
        self._plan = plan
        self._progress = progress
        self._places = {id(case): place for place, case in enumerate(cases)}
        self._parts = parts
        self._cases = cases
        self._shares = shares(cases)
        self._alone = False
        self._judges: list[JudgeProcess] = []
        self._called = 0
        self._doubtful: list[Judgement] = []
        self._dead = False

    def judge(self) -> None:
        """Judge everything side by side, and what was in doubt there once more, with nobody beside it."""
        self._call_all()
        self._hear_all()
        doubtful, self._doubtful = {named(j): j for j in self._doubtful}, []
        if self._dead:
            for judgement in doubtful.values():
                self._keep(judgement)
        elif doubtful:
            self._shares = shares([case for case in self._cases if case.name in doubtful])
            self._call(in_process=False, alone=True)
            self._hear_all()

    def _call_all(self) -> None:
        for in_process, seats in ((False, self._plan.side_by_side), (True, os.cpu_count() or 1)):
            waiting = sum(share[0].in_process == in_process for share in self._shares)
            for _ in range(min(seats, waiting)):
                self._call(in_process=in_process)

    def _hear_all(self) -> None:
        """Until the last judge has left."""
        while self._judges:
            ready = connection.wait([judge.connection for judge in self._judges])
            for judge in [judge for judge in self._judges if judge.connection in ready]:
                self._hear(judge, judge.hear())

    def _call(self, *, in_process: bool, alone: bool = False) -> None:
        self._called += 1
        self._alone = alone
        judge = JudgeProcess(self._plan, self._called, in_process=in_process)
        self._judges.append(judge)
        self._assign(judge)

    def _assign(self, judge: JudgeProcess) -> None:
        """Give it the next share of its kind, or let it go."""
        share = next((share for share in self._shares if share[0].in_process == judge.in_process), None)
        if share:
            self._shares.remove(share)
        judge.ask([(case.row.id, case.tier, case.binding, self._part(case)) for case in share or ()])

    def _part(self, case: Case) -> Path:
        return self._parts[self._places[id(case)]]

    def _hear(self, judge: JudgeProcess, said: tuple[str, Any]) -> None:
        word, what = said
        if word == "progress":
            name, args = what
            getattr(self._progress, name)(*args)
        elif word == "judged":
            judgement, dead = what
            self._take(judgement)
            if dead:
                self._drop(dead)
        elif word == "left behind":
            self.left_behind.append(what)
        elif word == "free":
            self._assign(judge)
        elif word == "left":
            self.services += what
            judge.end()
            self._judges.remove(judge)
        else:
            raise what

    def _take(self, judgement: Judgement) -> None:
        """Keep a judgement, unless it is a doubt that may be of our own making: others used the machine meanwhile."""
        if judgement.verdict is Verdict.INCONCLUSIVE and judgement.tier != "component" and not self._alone:
            self._doubtful.append(judgement)
            self._progress.again(judgement)
        else:
            self._keep(judgement)

    def _keep(self, judgement: Judgement) -> None:
        self.judgements.append(judgement)
        self._progress.finish(judgement)

    def _drop(self, dead: str) -> None:
        """The gateway died: what is not begun on the wire is not run."""
        self._dead = True
        dropped = [share for share in self._shares if not share[0].in_process]
        self._shares = [share for share in self._shares if share[0].in_process]
        for case in (case for share in dropped for case in share):
            self._keep(case.unjudged(Verdict.NOT_RUN, f"not run after: {dead}"))

    def end(self) -> None:
        """Have every judge that is still here end what it started."""
        for judge in self._judges:
            judge.ask_to_stop()
        with ExitStack() as each:
            for judge in self._judges:
                each.callback(judge.end)
