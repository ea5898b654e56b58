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
from gatespec.target import Target, load_target
from gatespec.verdict import Verdict
from reference_gateway.conformance import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatespec.engine.chapter import Chapter
    from gatespec.history import HistoryWriter
    from gatespec.verdict import Failure, Judgement

INSTANCES = 2
REFERENCE = Path(__file__).parents[2] / "reference_gateway" / "gateway.toml"
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
    adapters: Sequence[str] = (),
) -> Judgement:
    """Play the property's chapter on a driver, with the contract's default settings."""
    given: dict[str, Any] = {"redis_url": redis_url, "examples": examples, "seed": seed, "replay": replay}
    return judge_by(load_chapters()[property_id], make, **given, history=history, adapters=adapters)


def judge_by(  # noqa: PLR0913 - as `judge`
    chapter: Chapter,
    make: Callable[..., Any],
    *,
    redis_url: str | None = None,
    examples: int | None = None,
    seed: int | None = None,
    replay: str | None = None,
    history: HistoryWriter | None = None,
    adapters: Sequence[str] = (),
) -> Judgement:
    """Play a chapter, be it one of the suite's or not."""
    property_id = chapter.property_id
    settings = {**load_catalogue().defaults(), **chapter.settings.get("component", {})}
    kind = InProcessReadGateway if chapter.needs else InProcessGateway
    gateway = kind(make, settings=settings, instances=INSTANCES, redis_url=redis_url)
    profile: ProfileName = "conformance" if seed is None else "explore"
    plan = VerifyPlan(TARGET, Path(), "", examples=examples, seed=seed, replay=replay, profile=profile)
    reads, balancing = chapter.needs is not None, claim_of(make)
    context = Context(
        property_id, gateway.tier, gateway.binding, INSTANCES, settings, reads, balancing, tuple(adapters)
    )
    stage = Stage(chapter, gateway, context, MonotonicClock(), history)
    if history:
        history.chapter(context)
    try:
        return conclude(context, stage.tally, play(stage, plan), replayed=replay is not None)
    finally:
        gateway.close()


def claim_of(make: Callable[..., Any]) -> str:
    """What a gateway claims of the order of its calls: the reference and its parts what its target file says."""
    parts = isinstance(make, type) and issubclass(make, Reference)
    return getattr(make, "balancing", (load_target(REFERENCE).balancing if parts else None) or "")


def see_killed(
    property_id: str, mutant: Callable[..., Any], right: Callable[..., Any], adapters: Sequence[str] = ()
) -> None:
    """See the property's own statement fail, its line replay, and the right gateway pass the same story."""
    see_killed_by(load_chapters()[property_id], mutant, right, adapters)


def see_killed_by(
    chapter: Chapter, mutant: Callable[..., Any], right: Callable[..., Any], adapters: Sequence[str] = ()
) -> None:
    """As `see_killed`, by a chapter, be it one of the suite's or not."""
    judgement = judge_by(chapter, mutant, adapters=adapters)
    assert judgement.verdict is Verdict.BROKEN, judgement.reason
    failure = judgement.failure
    assert failure is not None
    assert failure.statement == load_catalogue().property(chapter.property_id).statement
    assert failure.reproduced == failure.replays
    story = story_of(failure)
    assert judge_by(chapter, mutant, replay=story, adapters=adapters).verdict is Verdict.BROKEN
    told_of_the_right_one = judge_by(chapter, right, replay=story, adapters=adapters)
    assert told_of_the_right_one.verdict is Verdict.INCONCLUSIVE
    assert told_of_the_right_one.failure is None


def story_of(failure: Failure) -> str:
    """The story in a failure's replay line."""
    words = shlex.split(failure.replay)
    return words[words.index("--replay") + 1]
