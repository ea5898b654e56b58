"""One run of the judge: every chosen property on every chosen tier, recorded and reported."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

from gatespec.catalogue import Property, load_catalogue
from gatespec.clock import MonotonicClock, timestamp
from gatespec.engine.backstage import Backstage
from gatespec.engine.chapter import Chapter, load_chapters
from gatespec.engine.conclude import conclude
from gatespec.engine.known import load_known_failures, with_known_failure
from gatespec.engine.lag import LagMeter, lag_meter
from gatespec.engine.plan import Silence
from gatespec.engine.play import examples_for, play
from gatespec.engine.precheck import check_plan
from gatespec.engine.preflight import absence
from gatespec.engine.stage import Stage
from gatespec.errors import Exit, GatespecError, usage
from gatespec.history import Context, HistoryWriter
from gatespec.ports import Untestable
from gatespec.providers.control_client import ProvidersControl
from gatespec.traceability import matrix
from gatespec.verdict import Judgement, Run, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.engine.known import KnownFailure
    from gatespec.engine.plan import Progress, VerifyPlan
    from gatespec.ports import Gateway, Tier
    from gatespec.stack.lane import Lane

NO_DRIVER = "the target file names no component_driver"
COMPONENT_ALONE = "not asked for, and no property that has a wire tier holds by the component tier alone"


def verify(plan: VerifyPlan, progress: Progress) -> Run:
    """Judge what the plan asks for; write `history.jsonl` beside where the reports will be."""
    clock = MonotonicClock()
    began, started_at = clock.now_ms(), timestamp()
    chosen = choose(plan)
    with open_court(plan, progress) as court:
        judgements = tuple(court.judge(chosen))
        services = court.backstage.services
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


@contextmanager
def open_court(plan: VerifyPlan, progress: Progress | None = None) -> Iterator[Court]:
    """A court with everything behind it; leaving it ends what was started."""
    watched = progress or Silence()
    with _history(plan) as out, lag_meter() as lag, Backstage(plan, watched) as backstage:
        writer = HistoryWriter(out, target=plan.target.name, started_at=timestamp())
        yield Court(plan, watched, backstage, writer, lag, load_known_failures(plan.target))


def _history(plan: VerifyPlan) -> IO[str]:
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        return (plan.out / "history.jsonl").open("w", encoding="utf-8")
    except OSError as error:
        raise usage(
            "out-unwritable", f"cannot write to {plan.out}: {error.strerror}", hint="name another --out"
        ) from error


def choose(plan: VerifyPlan) -> list[tuple[Property, Chapter]]:
    """The properties that the plan names, or all that have a chapter; a provisional one cannot be asked for."""
    catalogue, chapters = load_catalogue(), load_chapters()
    rows = [catalogue.property(wanted) for wanted in plan.only] or list(catalogue.properties.values())
    if missing := [row.id for row in rows if row.id not in chapters and plan.only]:
        named = ", ".join(missing)
        raise usage(
            "property-provisional", f"no chapter judges {named} yet", hint="`gatespec list` shows which have one"
        )
    chosen = [(row, chapters[row.id]) for row in rows if row.id in chapters]
    check_plan(plan, [chapter for _, chapter in chosen])
    return chosen


@dataclass
class Court:
    """Judges properties one after the other; a dead target ends it, and the rest is not run."""

    plan: VerifyPlan
    progress: Progress
    backstage: Backstage
    writer: HistoryWriter
    lag: LagMeter
    known: tuple[KnownFailure, ...] = ()
    dead: str = ""
    seen: dict[Lane, str | None] = field(default_factory=dict)
    """Each lane that was looked at, and what it lacks."""

    def judge(self, chosen: list[tuple[Property, Chapter]]) -> Iterator[Judgement]:
        """Yield a judgement per property, tier and binding: in process first, for it takes seconds."""
        for tier in self.plan.tiers:
            for row, chapter in chosen:
                if tier in row.tiers:
                    yield from self._judge_tier(row, chapter, tier)
        for row, _ in chosen:
            if "wire" in row.tiers and not {"wire", "real-time"}.intersection(self.plan.tiers):
                yield self._unjudged(row, "wire", "http", Verdict.NOT_RUN, COMPONENT_ALONE)

    def _judge_tier(self, row: Property, chapter: Chapter, tier: Tier) -> Iterator[Judgement]:
        for binding in ("pure", "redis") if tier == "component" else ("http",):
            yield self.judge_one(row, chapter, tier, binding)

    def judge_one(self, row: Property, chapter: Chapter, tier: Tier, binding: str) -> Judgement:
        """Judge one property on one tier and binding, if the target claims it and has the door for it."""
        if row.profile not in self.plan.target.claims:
            return self._unjudged(row, tier, binding, Verdict.NOT_CLAIMED, f"the target does not claim {row.profile}")
        if tier == "component" and self.plan.target.component_driver is None:
            return self._unjudged(row, tier, binding, Verdict.UNTESTABLE, NO_DRIVER)
        if self.dead and tier != "component":
            return self._unjudged(row, tier, binding, Verdict.NOT_RUN, f"not run after: {self.dead}")
        try:
            in_process = tier == "component"
            return self._judge_component(row, chapter, binding) if in_process else self._judge_wire(row, chapter, tier)
        except Untestable as untestable:
            return self._unjudged(row, tier, binding, Verdict.UNTESTABLE, str(untestable))
        except GatespecError as error:  # told once; what comes after it is not run
            if error.exit_code is Exit.USAGE:
                raise
            self.dead = error.code if tier != "component" else self.dead
            return self._unjudged(row, tier, binding, Verdict.HARNESS_ERROR, str(error))

    def _judge_component(self, row: Property, chapter: Chapter, binding: str) -> Judgement:
        settings = {**load_catalogue().defaults(), **chapter.settings.get("component", {})}
        opens = self.backstage.component_reads if chapter.needs else self.backstage.component
        gateway = opens(settings, on_redis=binding == "redis")
        try:
            return self._played(row, chapter, gateway, settings)
        finally:
            gateway.close()

    def _judge_wire(self, row: Property, chapter: Chapter, tier: Tier) -> Judgement:
        wanted = chapter.settings.get(tier, {})
        lane, gateway = self.backstage.wire(wanted, tier, chapter.needs)
        lane.alive()
        if lane not in self.seen:
            self.seen[lane] = absence(gateway, lane.plain_provider)
        if absent := self.seen[lane]:
            return self._unjudged(row, tier, gateway.binding, Verdict.BROKEN, absent)
        before, waited = _provider_calls(lane), gateway.waited_ms
        judgement = self._played(row, chapter, gateway, lane.settings, lane)
        after = _provider_calls(lane, after=before)
        return replace(judgement, provider_calls=after - before, waited_ms=gateway.waited_ms - waited)

    def _played(
        self, row: Property, chapter: Chapter, gateway: Gateway, settings: Mapping[str, str], lane: Lane | None = None
    ) -> Judgement:
        bodies = chapter.needs is not None
        context = Context(row.id, gateway.tier, gateway.binding, gateway.instances, settings, bodies)
        clock = MonotonicClock()
        stage = Stage(chapter, gateway, context, clock, self.writer)
        stage.watch = lambda done: self.progress.example(row.id, done)
        stage.notice = self.progress.stage
        stage.lag = self.lag if lane else None
        self.progress.start(row.id, context.tier, context.binding, examples_for(stage, self.plan))
        self.writer.chapter(context)
        self.lag.reset()
        began = clock.now_ms()
        played = play(stage, self.plan)
        facts: dict[str, Any] = {"took_ms": clock.now_ms() - began}
        if lane:
            gateway.begin()  # what the last story broke on purpose is no death
            lane.alive()
            facts["lag_ms"] = self.lag.worst_ms
        return self._told(conclude(context, stage.tally, played, replayed=self.plan.replay is not None, **facts))

    def _unjudged(self, row: Property, tier: Tier, binding: str, verdict: Verdict, reason: str) -> Judgement:
        return self._told(
            Judgement(row.id, row.title, row.level, tier, binding, verdict, reason, statement=row.statement)
        )

    def _told(self, judgement: Judgement) -> Judgement:
        told = with_known_failure(self.known, judgement)
        self.progress.finish(told)
        return told


def _provider_calls(lane: Lane, *, after: int = 0) -> int:
    """The number of the last call that the simulators saw; 0 where the providers are not ours."""
    if not lane.simulators_url:
        return 0
    return max((call.number for call in ProvidersControl(lane.simulators_url).ledger(after=after)), default=after)
