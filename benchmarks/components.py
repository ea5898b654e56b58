"""How many stories a second the judge tells in process: the pure core, and the core on real Redis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.clock import MonotonicClock, now_ns
from gatespec.drivers.component import InProcessGateway, load_driver
from gatespec.engine.chapter import load_chapters
from gatespec.engine.conclude import conclude
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.play import play
from gatespec.engine.stage import Stage
from gatespec.errors import unable
from gatespec.history import Context
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from gatespec.target import Target
    from gatespec.verdict import Judgement

PROPERTIES = ("P03", "P07", "P08")
EXAMPLES = 20
"""Stories asked for; those in which nothing was sent do not count."""
INSTANCES = 2


@dataclass(frozen=True)
class Played:
    """One property's chapter on one store."""

    property_id: str
    binding: str
    """`pure` or `redis`."""
    examples: int
    requests: int
    seconds: float

    @property
    def per_s(self) -> float:
        """Stories told in a second."""
        return self.examples / self.seconds


def play_component(target: Target, property_id: str, redis_url: str | None) -> Played:
    """Tell the conformance profile's first stories; raise `unable` where the property breaks: that is no speed."""
    chapter = load_chapters()[property_id]
    settings = {**load_catalogue().defaults(), **chapter.settings.get("component", {})}
    gateway = InProcessGateway(load_driver(target), settings=settings, instances=INSTANCES, redis_url=redis_url)
    context = Context(property_id, gateway.tier, gateway.binding, INSTANCES, settings)
    stage = Stage(chapter, gateway, context, MonotonicClock())
    try:
        began_ns = now_ns()
        played = play(stage, VerifyPlan(target, Path(), "", examples=EXAMPLES))
        seconds = (now_ns() - began_ns) / 1e9
    finally:
        gateway.close()
    judgement = _sound(conclude(context, stage.tally, played))
    return Played(property_id, gateway.binding, judgement.examples, judgement.requests, seconds)


def _sound(judgement: Judgement) -> Judgement:
    """So few stories may lack a mark of evidence; they were told all the same."""
    if judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}:
        return judgement
    raise unable(
        "benchmark-unfit",
        f"{judgement.property_id} on {judgement.binding} {judgement.verdict}: {judgement.reason}",
        hint="a gateway that breaks its promises is not measured: `gatespec verify` shows more",
    )
