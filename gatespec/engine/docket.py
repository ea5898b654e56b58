"""What a plan comes to: which properties, each on which tier and binding, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from gatespec.catalogue import load_catalogue
from gatespec.contract.watch import together
from gatespec.engine.chapter import load_chapters
from gatespec.engine.precheck import check_plan
from gatespec.errors import usage
from gatespec.verdict import CONTRACT, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatespec.catalogue import Property
    from gatespec.engine.chapter import Chapter
    from gatespec.engine.plan import VerifyPlan
    from gatespec.ports import Binding, Tier

COMPONENT_ALONE = "not asked for, and no property that has a wire tier holds by the component tier alone"
WAITED_FOR = ("GATEWAY_TTL_PRICING_S", "GATEWAY_RATE_WINDOW_S")
"""What most steps of a story on the wire wait for."""
WAITED_MAX_S = 10
"""Beyond it nobody waits: a list is given so long a life that it does not expire."""


@dataclass(frozen=True)
class Case:
    """One property on one tier and binding: what one judgement is about."""

    row: Property
    chapter: Chapter
    tier: Tier
    binding: Binding

    @property
    def name(self) -> str:
        """As `P08 wire http`."""
        return f"{self.row.id} {self.tier} {self.binding}"

    @property
    def in_process(self) -> bool:
        """Whether it needs no lane."""
        return self.tier == "component"

    @property
    def settings(self) -> Mapping[str, str]:
        """What its gateway is told beside the defaults."""
        return self.chapter.settings.get(self.tier, {})

    @property
    def patience_s(self) -> float:
        """Roughly how long its stories wait: only who begins first rests on it."""
        times = [Decimal(self.settings.get(name, "0")) for name in WAITED_FOR]
        stories = len(self.chapter.told_first) + self.chapter.drawn(self.tier, self.binding)
        return stories * self.chapter.steps * float(max((time for time in times if time <= WAITED_MAX_S), default=0))

    def unjudged(self, verdict: Verdict, reason: str) -> Judgement:
        """A judgement for which nothing was asked."""
        row = self.row
        return Judgement(
            row.id, row.title, row.level, self.tier, self.binding, verdict, reason, statement=row.statement
        )


Share: TypeAlias = "tuple[Case, ...]"
"""Cases that are judged one after the other: those of one lane, or one in process."""


def choose(plan: VerifyPlan) -> list[tuple[Property, Chapter]]:
    """The properties that the plan names, or all that have a chapter; a provisional one cannot be asked for."""
    catalogue, chapters = load_catalogue(), load_chapters()
    rows = [catalogue.property(wanted) for wanted in plan.only] or list(catalogue.properties.values())
    if missing := [row.id for row in rows if row.id not in chapters and plan.only]:
        named = ", ".join(missing)
        raise usage(
            "property-provisional", f"no chapter judges {named} yet", hint="`gatespec list` shows which have one"
        )
    chosen = [(row, chapters[row.id]) for row in rows if row.id in chapters and plan.claim in {None, row.profile}]
    if not chosen and plan.claim:
        among = f" among {', '.join(plan.only)}" if plan.only else ""
        hint = "`gatespec list` shows which property belongs to which profile, and which are judged"
        raise usage("claim-empty", f"--claim {plan.claim}: no property of it is judged{among}", hint=hint)
    check_plan(plan, [chapter for _, chapter in chosen])
    return chosen


def docket(plan: VerifyPlan, chosen: Iterable[tuple[Property, Chapter]]) -> list[Case]:
    """Every case, in process first, for it takes seconds; raise a usage error where the plan leaves none."""
    rows = list(chosen)
    cases = [
        Case(row, chapter, tier, binding)
        for tier in plan.tiers
        for row, chapter in rows
        if tier in row.tiers
        for binding in chapter.bindings(tier)
        if plan.binding in {None, binding}
    ]
    if plan.binding and not cases:
        tiers = ", ".join(plan.tiers)
        raise usage("binding-empty", f"--binding {plan.binding}: nothing of this is judged on it, on the tiers {tiers}")
    return cases


def not_asked_for(plan: VerifyPlan, chosen: Iterable[tuple[Property, Chapter]]) -> list[Judgement]:
    """Of each property that was judged in process alone, that its tier on the wire is missing."""
    if {"wire", "real-time"}.intersection(plan.tiers):
        return []
    cases = (Case(row, chapter, "wire", "http") for row, chapter in chosen if "wire" in row.tiers)
    return [case.unjudged(Verdict.NOT_RUN, COMPONENT_ALONE) for case in cases]


def shares(cases: Sequence[Case]) -> list[Share]:
    """What can be judged side by side; who waits the longest comes first, so that nobody is waited for alone."""
    lanes: dict[object, list[Case]] = {}
    for case in cases:
        alone = case.row.id if case.in_process else ""
        lane = (case.tier, case.binding, frozenset(case.settings.items()), case.chapter.needs, alone)
        lanes.setdefault(lane, []).append(case)
    return sorted(map(tuple, lanes.values()), key=lambda share: -sum(case.patience_s for case in share))


def in_order(cases: Sequence[Case], judgements: Iterable[Judgement]) -> list[Judgement]:
    """The judgements in the order of the docket, whoever ended first."""
    places = {case.name: place for place, case in enumerate(cases)}
    return sorted(judgements, key=lambda judgement: places.get(named(judgement), len(places)))


def worst_of_each(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """One judgement of each case: what a lane left behind breaks what its own stories did not."""
    kept: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        kept.setdefault(named(judgement), []).append(judgement)
    return tuple(_worst(each) for each in kept.values())


def _worst(judgements: Sequence[Judgement]) -> Judgement:
    if judgements[0].property_id == CONTRACT:
        return together(judgements)
    return next((each for each in judgements if each.verdict is Verdict.BROKEN), judgements[-1])


def named(judgement: Judgement) -> str:
    """The name of the case that it is about."""
    return f"{judgement.property_id} {judgement.tier} {judgement.binding}"
