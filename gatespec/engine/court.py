"""A court: judges one case after the other, each recorded, on a stage of its own making."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

from gatespec.catalogue import load_catalogue
from gatespec.checkers.secrecy import LEAK, judge_secrecy
from gatespec.clock import MonotonicClock, timestamp
from gatespec.engine.backstage import Backstage
from gatespec.engine.conclude import conclude
from gatespec.engine.docket import Case
from gatespec.engine.failure import describe
from gatespec.engine.known import load_known_failures, with_known_failure
from gatespec.engine.lag import LagMeter, lag_meter
from gatespec.engine.plan import Silence
from gatespec.engine.play import Played, examples_for, play
from gatespec.engine.preflight import absence
from gatespec.engine.stage import Stage
from gatespec.engine.tally import Broken, Tally
from gatespec.errors import Exit, GatespecError, usage
from gatespec.history import Context, Example, HistoryWriter
from gatespec.ports import Untestable
from gatespec.providers.control_client import ProvidersControl
from gatespec.read_ports import Disturbance
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.catalogue import Property
    from gatespec.engine.backstage import Left
    from gatespec.engine.chapter import Chapter
    from gatespec.engine.known import KnownFailure
    from gatespec.engine.plan import Progress, VerifyPlan
    from gatespec.ports import Binding, Gateway, Tier
    from gatespec.stack.lane import Lane
    from gatespec.verdict import Judgement

SECRECY = "P19"
LEFT_BEHIND = "somebody_looks_at_what_is_left"
AGAIN = "# found in what a whole run left behind: run the same command again"
NO_DRIVER = "the target file names no component_driver"


@contextmanager
def open_court(plan: VerifyPlan, progress: Progress | None = None) -> Iterator[Court]:
    """A court with everything behind it; leaving it ends what was started."""
    watched = progress or Silence()
    with open_history(plan) as out, lag_meter() as lag, Backstage(plan, watched) as backstage:
        writer = HistoryWriter(out, target=plan.target.name, started_at=timestamp())
        yield Court(plan, watched, backstage, writer, lag, load_known_failures(plan.target))


def open_history(plan: VerifyPlan) -> IO[str]:
    """The file of this name in the plan's folder, empty; a usage error says why it cannot be written."""
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        return (plan.out / "history.jsonl").open("w", encoding="utf-8")
    except OSError as error:
        raise usage(
            "out-unwritable", f"cannot write to {plan.out}: {error.strerror}", hint="name another --out"
        ) from error


@dataclass
class Court:
    """Judges cases one after the other; a dead target ends it, and the rest is not run."""

    plan: VerifyPlan
    progress: Progress
    backstage: Backstage
    writer: HistoryWriter
    lag: LagMeter
    known: tuple[KnownFailure, ...] = ()
    dead: str = ""
    seen: dict[Lane, str | None] = field(default_factory=dict)
    """Each lane that was looked at, and what it lacks."""

    def judge_one(self, row: Property, chapter: Chapter, tier: Tier, binding: Binding) -> Judgement:
        """As `judge`, of a case in its parts."""
        return self.judge(Case(row, chapter, tier, binding))

    def judge(self, case: Case) -> Judgement:
        """Judge one property on one tier and binding, if the target claims it and has the door for it."""
        judgement = with_known_failure(self.known, self._judge(case))
        self.progress.finish(judgement)
        return judgement

    def leave_lanes(self) -> list[Judgement]:
        """End the lanes. What leaked on one breaks P19, whatever was judged there; what was answered is `CONTRACT`."""
        row = load_catalogue().property(SECRECY)
        left = self.backstage.end_lanes()
        if any(each.searched.sizes for each in left):
            size = sum(sum(each.searched.sizes.values()) for each in left)
            self.progress.stage(f"searched {size / 1e6:.1f} MB that was left behind for secrets")
        leaky = [each for each in left if each.searched.leaks and row.profile in self.plan.target.claims]
        said = [each.contract.judgement(each.tier, each.binding) for each in left if each.contract.answers]
        return [with_known_failure(self.known, each) for each in (*map(self._leaked, leaky), *said)]

    def _leaked(self, left: Left) -> Judgement:
        """As a story of that property, so that its record is judged again like any other."""
        context = Context(SECRECY, left.tier, left.binding, left.instances, left.settings)
        leaks = [Disturbance(LEAK, leak.sink, str(leak), 0, 0) for leak in left.searched.leaks]
        example = Example(context, 1, story=[(LEFT_BEHIND, {})], disturbances=leaks)
        self.writer.chapter(context)
        self.writer.example(example)
        findings, tally = judge_secrecy(example, 0), Tally()
        tally.broke(Broken(findings.breaches[0], example))
        tally.add(example, findings, lambda _: Counter())
        failure = describe(Broken(findings.breaches[0], example), AGAIN, reproduced=0, replays=0)
        return conclude(context, tally, Played(failure=failure))

    def _judge(self, case: Case) -> Judgement:
        if case.row.profile not in self.plan.target.claims:
            return case.unjudged(Verdict.NOT_CLAIMED, f"the target does not claim {case.row.profile}")
        if case.in_process and self.plan.target.component_driver is None:
            return case.unjudged(Verdict.UNTESTABLE, NO_DRIVER)
        if self.dead and not case.in_process:
            return case.unjudged(Verdict.NOT_RUN, f"not run after: {self.dead}")
        try:
            return self._judge_component(case) if case.in_process else self._judge_wire(case)
        except Untestable as untestable:
            return case.unjudged(Verdict.UNTESTABLE, str(untestable))
        except GatespecError as error:  # told once; what comes after it is not run
            if error.exit_code is Exit.USAGE:
                raise
            self.dead = error.code if not case.in_process else self.dead
            return case.unjudged(Verdict.HARNESS_ERROR, str(error))

    def _judge_component(self, case: Case) -> Judgement:
        settings = {**load_catalogue().defaults(), **case.settings}
        opens = self.backstage.component_reads if case.chapter.needs else self.backstage.component
        gateway = opens(settings, on_redis=case.binding == "redis")
        try:
            return self._played(case, gateway, settings)
        finally:
            gateway.close()

    def _judge_wire(self, case: Case) -> Judgement:
        lane, gateway = self.backstage.wire(case.settings, case.tier, case.chapter.needs, case.binding)
        lane.alive()
        if lane not in self.seen:
            self.seen[lane] = absence(gateway, lane.plain_provider)
        if absent := self.seen[lane]:
            return case.unjudged(Verdict.BROKEN, absent)
        before, waited = _provider_calls(lane), gateway.waited_ms
        judgement = self._played(case, gateway, lane.settings, lane)
        after = _provider_calls(lane, after=before)
        counted = replace(judgement, provider_calls=after - before, waited_ms=gateway.waited_ms - waited)
        return on_whole_cluster(counted, lane)

    def _played(self, case: Case, gateway: Gateway, settings: Mapping[str, str], lane: Lane | None = None) -> Judgement:
        bodies = case.chapter.needs is not None
        balancing, adapters = self.plan.target.balancing or "", tuple(self.plan.target.adapters)
        named = (case.row.id, case.tier, case.binding)
        context = Context(*named, gateway.instances, settings, bodies, balancing, adapters)
        clock = MonotonicClock()
        stage = Stage(case.chapter, gateway, context, clock, self.writer)
        named = (case.row.id, case.tier, case.binding)
        stage.watch = lambda done: self.progress.example(*named, done)
        stage.notice = self.progress.stage
        stage.lag = self.lag if lane else None
        self.progress.start(*named, examples_for(stage, self.plan))
        self.writer.chapter(context)
        self.lag.reset()
        began = clock.now_ms()
        played = play(stage, self.plan)
        facts: dict[str, Any] = {"took_ms": clock.now_ms() - began}
        if lane:
            gateway.begin()  # what the last story broke on purpose is no death
            lane.alive()
            facts["lag_ms"] = self.lag.worst_ms
        return conclude(context, stage.tally, played, replayed=self.plan.replay is not None, **facts)


def on_whole_cluster(judgement: Judgement, lane: Lane) -> Judgement:
    """What holds on a cluster of which a node was never asked for a key, holds on something else."""
    if lane.cluster is None or judgement.verdict is not Verdict.HOLDS:
        return judgement
    idle = [node.address for node in lane.cluster.nodes if not node.commands]
    if not idle:
        return judgement
    reason = f"the gateway never asked these nodes of its Redis Cluster for a key: {', '.join(idle)}"
    return replace(judgement, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _provider_calls(lane: Lane, *, after: int = 0) -> int:
    """The number of the last call that the simulators saw; 0 where the providers are not ours."""
    if not lane.simulators_url:
        return 0
    return max((call.number for call in ProvidersControl(lane.simulators_url).ledger(after=after)), default=after)
