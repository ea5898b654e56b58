"""One run of drills: each on a lane of its own, on one stack; recorded, judged, reported."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.checkers.secrecy import LEAK
from gatespec.clock import MonotonicClock, timestamp, timestamp_of
from gatespec.drills.journal import Written, journal_of
from gatespec.drills.judge import judge_drill
from gatespec.drills.runner import conduct, settings_of
from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import no_cluster, people
from gatespec.errors import GatespecError
from gatespec.history import HistoryWriter
from gatespec.ports import Untestable
from gatespec.read_ports import Disturbance
from gatespec.stack.lane import Stack
from gatespec.verdict import Judgement, Run, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatespec.drills.drill import Drill
    from gatespec.engine.plan import Progress
    from gatespec.history import Example
    from gatespec.stack.lane import Lane
    from gatespec.stack.runtimes import Runtime
    from gatespec.target import Target
    from gatespec.verdict import Service

INSTANCES = 2
HISTORY, JOURNAL = "history.jsonl", "{}.journal.json"
NOT_OURS = "the gateway runs already: its services are not the judge's to break"


@dataclass
class Drilling:
    """Where drills take place: what is drilled, with which dice, and where it is written down."""

    target: Target
    seed: int
    out: Path
    progress: Progress
    runtime: Runtime = "native"
    services: dict[tuple[str, str], Service] = field(default_factory=dict)
    """Every server that ran, each once: by its role and address."""

    def each(self, drills: Sequence[Drill]) -> Iterator[Judgement]:
        """Conduct and judge one after the other."""
        if self.target.command is None:
            yield from (without_record(drill, Verdict.UNTESTABLE, NOT_OURS) for drill in drills)
            return
        adapters = self.target.adapters
        without = no_cluster(self.target)
        with (
            (self.out / HISTORY).open("w", encoding="utf-8") as file,
            Stack.start(self.out, providers=adapters, progress=self.progress.stage, runtime=self.runtime) as stack,
        ):
            history = HistoryWriter(file, target=self.target.name)
            for drill in drills:
                if drill.on_cluster and without:
                    yield without_record(drill, Verdict.UNTESTABLE, without)
                else:
                    yield self._one(drill, stack, history)

    def _one(self, drill: Drill, stack: Stack, history: HistoryWriter) -> Judgement:
        try:
            example = self._conducted(drill, stack)
        except Untestable as reason:
            return without_record(drill, Verdict.UNTESTABLE, str(reason))
        except GatespecError as error:
            return without_record(drill, Verdict.HARNESS_ERROR, f"{error.code}: {error.message}")
        history.chapter(example.context)
        history.example(example)
        judgement = judge_drill(drill, example)
        written = Written(self.seed, str(self.out), str(self.out / HISTORY), timestamp_of)
        told = journal_of(drill, example, judgement, written)
        (self.out / JOURNAL.format(drill.name)).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        return judgement

    def _conducted(self, drill: Drill, stack: Stack) -> Example:
        say = self.progress.stage
        with ExitStack() as ends:
            lane = stack.lane(
                self.target,
                settings=settings_of(drill),
                instances=INSTANCES,
                needs=drill.needs,
                on_cluster=drill.on_cluster,
                progress=say,
            )
            ends.enter_context(lane)
            gateway = HttpReadGateway(lane, people(lane))
            ends.callback(gateway.close)
            self.services.update({(each.role, each.address): each for each in lane.services})
            say(f"drilling {drill.name} (seed {self.seed})")
            return searched(conduct(drill, self.seed, lane, gateway), lane)


def searched(example: Example, lane: Lane) -> Example:
    """The record with what a search for secrets found in all that the gateway left behind."""
    ended_ms = max((done.done_ms for done in example.disturbances), default=0)
    if lane.secrets:
        for leak in lane.secrets.search().leaks:
            example.disturbances.append(Disturbance(LEAK, leak.sink, str(leak), ended_ms, ended_ms))
    return example


def run_drills(drills: Sequence[Drill], drilling: Drilling, command: str) -> Run:
    """Conduct each on a lane of its own and judge it; write the history, and a journal for each."""
    clock = MonotonicClock()
    began, started_at, ran = clock.now_ms(), timestamp(), list[Judgement]()
    for judgement in drilling.each(drills):
        drilling.progress.finish(judgement)
        ran.append(judgement)
    return Run(
        target=drilling.target.name,
        profile="explore",
        seed=drilling.seed,
        started_at=started_at,
        took_ms=clock.now_ms() - began,
        command=command,
        services=tuple(drilling.services.values()),
        judgements=tuple(ran),
    )


def without_record(drill: Drill, verdict: Verdict, reason: str) -> Judgement:
    """A drill that did not take place."""
    title = drill.name.replace("_", " ")
    return Judgement(drill.name, title, "MUST", "wire", "http", verdict, reason, statement=drill.sentence)
