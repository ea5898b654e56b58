"""One run: collect everything, check that the accounts agree, and only then say a number."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.arena import WARM_UP, WARM_UP_S, arena_on
from benchmarks.books import Total, differences, total
from benchmarks.components import PROPERTIES, play_component
from benchmarks.contest import CONTENDERS
from benchmarks.held import hold
from benchmarks.judgement import judge_whole
from benchmarks.memory import Memory
from benchmarks.plan import COMPONENTS, HELD, JUDGEMENT, MEMORY, SETTINGS, STAMPEDE
from benchmarks.stampede import stampedes
from gatespec.errors import unable
from gatespec.read_ports import PLAIN
from gatespec.stack.lane import Stack
from gatespec.suites import suites_root
from gatespec.target import load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.arena import Arena
    from benchmarks.books import Books
    from benchmarks.components import Played
    from benchmarks.contest import Round
    from benchmarks.held import Held
    from benchmarks.judgement import Judged
    from benchmarks.plan import Plan
    from benchmarks.stampede import Stampede
    from gatespec.target import Target
    from gatespec.verdict import Service

    Watch = Callable[[str], None]

COMPONENT_DATABASE = 15
"""A logical database of Redis that is lent to no lane: this run has one, the first."""
SHOWN_MAX = 20
"""Differences in one error: the first ones say what is wrong."""


@dataclass
class Measured:
    """All that one run showed."""

    load_average: float
    """Of the minute before the run: what is above 0 was somebody else's."""
    rounds: list[Round] = field(default_factory=list)
    components: list[Played] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    stampedes: list[Stampede] = field(default_factory=list)
    held: Held | None = None
    judgement: Judged | None = None
    services: tuple[Service, ...] = ()
    books: list[Books] = field(default_factory=list)

    @property
    def equated(self) -> Total:
        """What the numbers rest on."""
        return total(self.books)


def measure(plan: Plan, watch: Watch) -> Measured:
    """Carry out the plan; raise `unable` where the accounts of the gateway's requests differ."""
    measured = Measured(os.getloadavg()[0])
    whole = load_target(suites_root() / "reference_gateway" / "gateway.toml")
    # One provider: a polled one leaves its warning in every list, and what is measured is the list that lacks nothing.
    target = whole.model_copy(update={"adapters": [PLAIN.adapter]})
    with Stack.start(plan.out, providers=target.adapters, progress=watch) as stack:
        measured.services = stack.services
        if plan.workloads or MEMORY in plan.parts:
            _serve(plan, target, stack, measured, watch)
        if COMPONENTS in plan.parts:
            measured.components.extend(_tell(target, stack, watch))
        if STAMPEDE in plan.parts:
            watch("letting many readers at one key")
            measured.stampedes.extend(stampedes(target, stack, plan.rounds))
        if HELD in plan.parts:
            watch("filling an instance with offers")
            measured.held = hold(target, stack)
    if JUDGEMENT in plan.parts:
        measured.judgement = judge_whole(whole, plan.out, watch)
    check_books(measured.books)
    return measured


def check_books(books: Sequence[Books]) -> None:
    """Raise `unable` with every difference: a number that rests on a miscount is worse than none."""
    found = [line for each in books for line in differences(each)]
    if found:
        more = [f"and {len(found) - SHOWN_MAX} more"] if len(found) > SHOWN_MAX else []
        raise unable(
            "benchmark-unequal",
            "the accounts of the gateway's requests differ, so there is no number to print",
            tried="\n         ".join([*found[:SHOWN_MAX], *more]),
            hint="the gateway's log is in the folder logs beside where the report would be",
        )


def _serve(plan: Plan, target: Target, stack: Stack, measured: Measured, watch: Watch) -> None:
    with stack.lane(target, settings=SETTINGS, instances=1, progress=watch) as lane:
        arena = arena_on(stack, lane)
        idle = arena.weights()
        if plan.workloads:
            _load(plan, arena, measured, watch)
        if MEMORY in plan.parts:
            loaded = arena.weights()
            measured.memory.extend(
                Memory(name, loaded[name][1], weight, loaded[name][0]) for name, (weight, _) in idle.items()
            )
        measured.books.extend(arena.books)
        baselines = tuple(baseline.described() for baseline in arena.baselines.values())
        measured.services = (*lane.services, *baselines)


def _load(plan: Plan, arena: Arena, measured: Measured, watch: Watch) -> None:
    """Round after round, and in each the contenders in turn: whatever else the machine does meets them alike."""
    watch("starting baselines")
    arena.bring_baselines()
    for contender in CONTENDERS:
        watch(f"warming up {contender}")
        arena.load(WARM_UP, contender, 0, WARM_UP_S)
    for workload in plan.workloads:
        for number in range(1, plan.rounds + 1):
            for contender in CONTENDERS:
                watch(f"{workload.name}, round {number} of {plan.rounds}: {contender}")
                measured.rounds.append(arena.load(workload, contender, number, plan.seconds))


def _tell(target: Target, stack: Stack, watch: Watch) -> Iterator[Played]:
    for property_id in PROPERTIES:
        for binding in ("pure", "redis"):
            watch(f"telling stories of {property_id} in process, {binding}")
            stack.redis.empty(COMPONENT_DATABASE)
            url = stack.redis.url(COMPONENT_DATABASE) if binding == "redis" else None
            yield play_component(target, property_id, url)
