"""Conduct one drill on a lane of its own: steady state, fault, healing; healed also where it is cut short."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from gatespec.drills.drill import SHORT
from gatespec.drills.schedule import People, requests, schedule
from gatespec.engine.lag import lag_meter
from gatespec.history import Context, Example
from gatespec.ports import Untestable
from gatespec.read_ports import Act

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatespec.drills.drill import Drill
    from gatespec.drills.schedule import Schedule
    from gatespec.read_ports import Failing, Life, ReadGateway, StoreState, VaultState
    from gatespec.stack.lane import Lane


def settings_of(drill: Drill) -> Mapping[str, str]:
    """What its gateway is started with."""
    return {**SHORT, **drill.settings}


def conduct(drill: Drill, seed: int, lane: Lane, gateway: ReadGateway) -> Example:
    """Run it once and return its record; raise `Untestable` where this door has not what it needs."""
    if not lane.instances:
        raise Untestable("the gateway runs already: its services are not the judge's to break")
    context = Context(drill.name, "wire", gateway.binding, gateway.instances, lane.settings, bodies=True)
    gateway.begin()
    planned = schedule(drill, seed)
    providers = gateway.fresh_providers(drill.traffic.providers)
    polite = tuple(gateway.fresh("user", "enterprise") for _ in range(2))
    people = People(polite, gateway.fresh("ip", "free"), gateway.fresh("user", "enterprise"))
    asked = requests(drill, planned, people, providers, gateway.instances)
    make, heal = _hands(drill, planned.kind, gateway, providers)
    example = Example(context, 1, story=[("drills", {"seed": seed, "kind": planned.kind})])
    with lag_meter() as lag:
        lag.begin_story()
        try:
            played = gateway.during(asked, *_acts(planned, make, heal))
        finally:
            heal()
        example.lag_ms = lag.story_ms
    example.exchanges = sorted(played, key=lambda exchange: exchange.span.sent_ms)
    example.calls = list(gateway.calls(providers))
    example.disturbances = [replace(done) for done in gateway.disturbances]
    return example


def _acts(planned: Schedule, make: Callable[[], None], heal: Callable[[], None]) -> Iterator[Act]:
    for spell in planned.spells:
        yield Act(spell.from_ms, make)
        yield Act(spell.to_ms, heal)


def _hands(
    drill: Drill, kind: str, gateway: ReadGateway, providers: Sequence[str]
) -> tuple[Callable[[], None], Callable[[], None]]:
    """What makes the fault, and what ends it; the second does nothing where there is none."""
    if drill.fault.victim == "redis":
        return partial(gateway.store, cast("StoreState", kind)), partial(gateway.store, "well")
    if drill.fault.victim == "vault":
        return partial(gateway.vault, cast("VaultState", kind)), partial(gateway.vault, "well")
    if drill.fault.victim == "instance":
        last = gateway.instances - 1
        return partial(gateway.life, last, cast("Life", kind)), partial(gateway.life, last, "running")
    befallen = providers[: max(1, round(len(providers) * drill.fault.share))]

    def fail() -> None:
        for name in befallen:
            gateway.provider(name, failing=cast("Failing", kind))

    def mend() -> None:
        for name in befallen:
            gateway.provider(name)

    return fail, mend
