"""A judgement in process of any component driver: what the command does, without a stack."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatespec.catalogue import load_catalogue
from gatespec.clock import MonotonicClock
from gatespec.drivers.component import InProcessGateway
from gatespec.drivers.component_reads import InProcessReadGateway
from gatespec.engine.chapter import load_chapters
from gatespec.engine.conclude import conclude
from gatespec.engine.plan import ProfileName, VerifyPlan
from gatespec.engine.play import play
from gatespec.engine.stage import Stage
from gatespec.history import Context
from gatespec.target import Target
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.history import HistoryWriter
    from gatespec.verdict import Failure, Judgement

INSTANCES = 2
TARGET = Target.model_validate({"name": "in process", "url": {"instances": ["http://127.0.0.1:1"]}})


def judge(  # noqa: PLR0913 - what the command's options are
    make: Callable[..., Any],
    property_id: str,
    *,
    redis_url: str | None = None,
    examples: int | None = None,
    seed: int | None = None,
    replay: str | None = None,
    history: HistoryWriter | None = None,
) -> Judgement:
    """Play the property's chapter on a driver, with the contract's default settings."""
    chapter = load_chapters()[property_id]
    settings = {**load_catalogue().defaults(), **chapter.settings.get("component", {})}
    kind = InProcessReadGateway if chapter.needs else InProcessGateway
    gateway = kind(make, settings=settings, instances=INSTANCES, redis_url=redis_url)
    profile: ProfileName = "conformance" if seed is None else "explore"
    plan = VerifyPlan(TARGET, Path(), "", examples=examples, seed=seed, replay=replay, profile=profile)
    context = Context(property_id, gateway.tier, gateway.binding, INSTANCES, settings, chapter.needs is not None)
    stage = Stage(chapter, gateway, context, MonotonicClock(), history)
    if history:
        history.chapter(context)
    try:
        return conclude(context, stage.tally, play(stage, plan), replayed=replay is not None)
    finally:
        gateway.close()


def see_killed(property_id: str, mutant: Callable[..., Any], right: Callable[..., Any]) -> None:
    """See the property's own statement fail, its line replay, and the right gateway pass the same story."""
    judgement = judge(mutant, property_id)
    assert judgement.verdict is Verdict.BROKEN, judgement.reason
    failure = judgement.failure
    assert failure is not None
    assert failure.statement == load_catalogue().property(property_id).statement
    assert failure.reproduced == failure.replays
    story = story_of(failure)
    assert judge(mutant, property_id, replay=story).verdict is Verdict.BROKEN
    told_of_the_right_one = judge(right, property_id, replay=story)
    assert told_of_the_right_one.verdict is Verdict.INCONCLUSIVE
    assert told_of_the_right_one.failure is None


def story_of(failure: Failure) -> str:
    """The story in a failure's replay line."""
    words = shlex.split(failure.replay)
    return words[words.index("--replay") + 1]
