"""Conduct one drill on a lane of its own: steady state, fault, healing; healed also where it is cut short."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gatespec.drills.drill import SHORT
from gatespec.drills.gauges import gauges
from gatespec.drills.hands import hands_of
from gatespec.drills.schedule import People, requests, schedule
from gatespec.engine.lag import lag_meter
from gatespec.history import Context, Example
from gatespec.ports import Untestable
from gatespec.read_ports import Act

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.drills.drill import Drill
    from gatespec.drills.hands import Hands
    from gatespec.drills.schedule import Schedule
    from gatespec.drivers.http_reads import HttpReadGateway
    from gatespec.stack.lane import Lane

LET_GO_MS = 1_000
"""So much of the time after a fault may go unwatched: its end is never made to the millisecond."""


def settings_of(drill: Drill) -> Mapping[str, str]:
    """What its gateway is started with."""
    return {**SHORT, **drill.settings}


def conduct(drill: Drill, seed: int, lane: Lane, gateway: HttpReadGateway) -> Example:
    """Run it once and return its record; raise `Untestable` where this door has not what it needs."""
    if not lane.instances:
        raise Untestable("the gateway runs already: its services are not the judge's to break")
    context = Context(drill.name, "wire", gateway.binding, gateway.instances, lane.settings, bodies=True)
    gateway.begin()
    planned = schedule(drill, seed)
    providers = gateway.fresh_providers(drill.traffic.providers)
    polite = tuple(gateway.fresh("user", "enterprise") for _ in range(2))
    people = People(polite, gateway.fresh("ip", "free"), gateway.fresh("user", "enterprise"))
    asked = partial(requests, drill, people=people, providers=providers, instances=gateway.instances)
    hands = hands_of(drill, planned.kind, gateway, providers)
    example = Example(context, 1, story=[("drills", {"seed": seed, "kind": planned.kind})])
    with lag_meter() as lag, gauges(lane.instances, gateway.clock) as looked:
        lag.begin_story()
        try:
            played = gateway.during(asked(planned), *_acts(planned, hands))
            if (missing_ms := _unwatched_ms(drill, gateway)) > LET_GO_MS:
                played += gateway.play(asked(replace(planned, ends_ms=missing_ms)))
        finally:
            hands.heal()
        example.lag_ms = lag.story_ms
    example.exchanges = sorted(played, key=lambda exchange: exchange.span.sent_ms)
    example.calls = list(gateway.calls(providers))
    example.disturbances = [replace(done) for done in gateway.disturbances]
    example.samples = list(looked.samples)
    return example


def _unwatched_ms(drill: Drill, gateway: HttpReadGateway) -> int:
    """How much longer it has to be watched, where the end of the fault took longer than was planned."""
    ended_ms = max((done.done_ms for done in gateway.disturbances), default=0)
    return ended_ms + drill.heals_ms + drill.after_ms - gateway.clock.now_ms()


def _acts(planned: Schedule, hands: Hands) -> Iterator[Act]:
    for spell in planned.spells:
        yield Act(spell.from_ms, hands.make)
        yield Act(spell.to_ms, hands.heal)
