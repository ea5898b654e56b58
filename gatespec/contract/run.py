"""A contract run: everybody asks for everything, and each operation gets its entry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from gatespec.catalogue import load_catalogue
from gatespec.clock import MonotonicClock, timestamp
from gatespec.contract.callers import callers
from gatespec.contract.document import load_document
from gatespec.contract.drawn import Drawing
from gatespec.contract.findings import Asked
from gatespec.contract.known_values import KnownValues
from gatespec.contract.matrix import Matrix
from gatespec.drivers.http import HttpGateway, heard_by
from gatespec.engine.backstage import people
from gatespec.errors import usage
from gatespec.stack.lane import Lane
from gatespec.traceability import matrix as traced
from gatespec.verdict import Failure, Judgement, Run, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.contract.callers import Caller
    from gatespec.contract.document import Operation
    from gatespec.engine.plan import Progress
    from gatespec.stack.runtimes import Runtime
    from gatespec.target import Target

MANY: Final = {f"GATEWAY_RATE_{plan}": "1000000" for plan in ("FREE", "PRO", "ENTERPRISE")}
"""Limits that no case meets: P03 judges them."""
WITHOUT_PROBES: Final = {"GATEWAY_BREAKER_WINDOW": "1000"}
FULL: Final = frozenset({"anonymous", "user-enterprise", "key", "operator"})
"""Roles for which all phases are drawn; the others differ from one of them in their plan alone."""
SHARE: Final = 4
"""What those others get of it."""


@dataclass(frozen=True)
class ContractPlan:
    """What is asked for."""

    target: Target
    out: Path
    command: str
    cases: int
    """At least so many, as far as the document gives them."""
    seed: int = 0
    only: frozenset[str] = frozenset()
    """Operation ids; none: all."""
    runtime: Runtime = "native"
    roles: frozenset[str] = frozenset()
    """Who asks; none: everybody."""


@dataclass
class Session:
    """One run on one lane."""

    plan: ContractPlan
    progress: Progress
    lane: Lane
    asked: dict[str, Asked] = field(default_factory=dict)
    cases: int = 0

    def judge(self) -> list[Judgement]:
        """Ask everything; return an entry for each operation."""
        document = load_document()
        wanted = [each for each in document.operations if not self.plan.only or each.id in self.plan.only]
        self.asked = {each.label: Asked(each) for each in wanted}
        voices = people(self.lane)
        voices.begin()
        everybody, missing = callers(self.lane, voices)
        everybody = [each for each in everybody if not self.plan.roles or each.role in self.plan.roles]
        for role in missing:
            self.progress.stage(f"nobody asks as {role}")
        known = KnownValues.of(self.lane)
        gateway = HttpGateway(self.lane.urls, voices, alive=self.lane.alive, heard=heard_by(self.lane))
        try:
            self._ask_matrix(Matrix(document, gateway, self.asked, lambda each: _path(each, known)), everybody)
        finally:
            gateway.close()
        self._draw(everybody, known)
        return [each.judgement(self.plan.command) for each in self.asked.values()]

    def _ask_matrix(self, matrix: Matrix, everybody: list[Caller]) -> None:
        self.progress.stage(f"{len(everybody)} callers before {len(self.asked)} operations")
        matrix.compare_documents()
        matrix.ask_all(everybody)
        matrix.try_bad_credentials(self.lane)
        matrix.try_bad_bodies(everybody)

    def _draw(self, everybody: list[Caller], known: KnownValues) -> None:
        """As often as it takes: what a caller's phases give is known when they are done."""
        examples, round_number = self._first_examples(everybody), 0
        while self.cases < self.plan.cases or not round_number:
            before = self.cases
            for caller in everybody:
                share = examples if caller.role in FULL else max(1, examples // SHARE)
                self._draw_for(caller, known, share, round_number)
                if round_number and self.cases >= self.plan.cases:
                    return
            if self.cases == before:
                return
            round_number += 1

    def _draw_for(self, caller: Caller, known: KnownValues, examples: int, round_number: int) -> None:
        began = self.cases
        drawing = Drawing(
            load_document(),
            self.lane.urls[0],
            self.asked,
            known,
            examples,
            self.plan.seed + round_number,
            heard_by(self.lane),
            lambda done: self.progress.example("CONTRACT", "wire", caller.role, began + done),
            self.lane.secrets.masked if self.lane.secrets else str,
        )
        self.progress.start("CONTRACT", "wire", caller.role, self.plan.cases)
        self.cases += drawing.draw(caller)
        self.lane.alive()

    def _first_examples(self, everybody: list[Caller]) -> int:
        """Phases that are not drawn give some twenty cases of an operation by themselves."""
        pairs = sum(caller.may_ask(each.operation) for caller in everybody for each in self.asked.values())
        return max(2, min(200, self.plan.cases // max(1, pairs * 2)))


def _path(operation: Operation, known: KnownValues) -> str:
    """Its path with values in place of templates."""
    offer = known.offers[0] if known.offers else "0" * 16
    values = {"offer_id": offer, "provider": known.paths.get("provider", "nobody"), "id": "0" * 16}
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def leaked(lane: Lane, plan: ContractPlan) -> list[Judgement]:
    """What a search for secrets found in all that was left behind: it breaks P19, whatever was asked."""
    leaks = lane.secrets.search().leaks if lane.secrets else []
    if not leaks:
        return []
    row = load_catalogue().property("P19")
    told = tuple(map(str, leaks))
    failure = Failure(row.statement, told[0], told, (), (), plan.command, 0, 0)
    said = Judgement(row.id, row.title, row.level, "wire", "http", Verdict.BROKEN, told[0], row.statement)
    return [replace(said, failure=failure)]


def verify_contract(plan: ContractPlan, progress: Progress) -> Run:
    """Judge the HTTP contract of a target."""
    if unknown := plan.only - {each.id for each in load_document().operations}:
        named = ", ".join(sorted(each.id for each in load_document().operations))
        raise usage("operation-unknown", f"--only {min(unknown)}: no such operation", hint=f"there are {named}")
    clock = MonotonicClock()
    began, started_at = clock.now_ms(), timestamp()
    settings, say = {**MANY, **WITHOUT_PROBES}, progress.stage
    with Lane.start(plan.target, settings=settings, out=plan.out, progress=say, runtime=plan.runtime) as lane:
        session = Session(plan, progress, lane)
        judgements = [*session.judge(), *leaked(lane, plan)]
        services = lane.services
    for judgement in judgements:
        progress.finish(judgement)
    held = {j.property_id for j in judgements} if all(j.verdict is Verdict.HOLDS for j in judgements) else set()
    return Run(
        target=plan.target.name,
        profile="conformance",
        seed=plan.seed,
        started_at=started_at,
        took_ms=clock.now_ms() - began,
        command=plan.command,
        services=services,
        judgements=tuple(judgements),
        requirements=traced(load_catalogue(), held),
    )
