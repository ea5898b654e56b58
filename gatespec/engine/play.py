"""Play one chapter on one gateway, and tell again what broke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.engine.failure import describe, replay_line
from gatespec.engine.profiles import prepare, settings_for
from gatespec.engine.stage import ShrunkEnough
from gatespec.engine.story import StoryMachine, read_story, tell
from gatespec.errors import Exit, GatespecError, usage

if TYPE_CHECKING:
    from gatespec.engine.plan import VerifyPlan
    from gatespec.engine.stage import Stage
    from gatespec.engine.tally import Broken
    from gatespec.verdict import Failure

REPLAYS = 5


@dataclass(frozen=True)
class Played:
    """What remains of playing: what ended it, if anything but the last example did."""

    stopped: Exception | None = None
    failure: Failure | None = None


def play(stage: Stage, plan: VerifyPlan) -> Played:
    """Tell as many stories as the plan wants; where one breaks the statement, tell the shortest again."""
    machine = bind(stage)
    try:
        if plan.replay:
            _tell_given(machine, plan.replay)
        else:
            _tell_first(machine, stage)
            _explore(machine, stage, plan)
    except ShrunkEnough:
        pass
    except Exception as error:  # whatever Hypothesis wraps a finding in, the finding is what counts
        if isinstance(error, GatespecError) and error.exit_code is Exit.USAGE:
            raise
        if stage.tally.shortest is None:
            return Played(stopped=error)
    return Played(failure=_retell(machine, stage, plan) if stage.tally.shortest else None)


def _tell_first(machine: type[StoryMachine], stage: Stage) -> None:
    """Tell what every run tells. Where one breaks, the search goes on: it may find a shorter story."""
    for story in stage.chapter.told_first:
        tell(machine, story)


def _tell_given(machine: type[StoryMachine], story: str) -> None:
    try:
        tell(machine, read_story(story, machine))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        hint = "copy the whole replay line, from the same version of gatespec"
        raise usage("story-untellable", f"--replay: the story cannot be told: {error}", hint=hint) from error


def bind(stage: Stage) -> type[StoryMachine]:
    """Give the chapter's machine its stage; a name of its own keeps Hypothesis' cases apart."""
    machine = stage.chapter.machine
    name = f"{machine.__name__}_{stage.context.tier}_{stage.context.binding}"
    bound: type[StoryMachine] = type(name, (machine,), {"stage": stage, "__doc__": machine.__doc__})
    return bound


def _explore(machine: type[StoryMachine], stage: Stage, plan: VerifyPlan) -> None:
    examples = examples_for(stage, plan) - len(stage.chapter.told_first)
    chosen = settings_for(plan.profile, examples=examples, steps=stage.chapter.steps)
    prepare(machine, chosen, plan.seed)()


def examples_for(stage: Stage, plan: VerifyPlan) -> int:
    """How many stories: those told first, and as many drawn as asked for, else as the chapter says for the tier."""
    if plan.replay:
        return 1
    drawn = stage.chapter.drawn(stage.context.tier, stage.context.binding)
    return len(stage.chapter.told_first) + (plan.examples or drawn)


def _retell(machine: type[StoryMachine], stage: Stage, plan: VerifyPlan) -> Failure:
    broken = stage.tally.shortest
    if broken is None:
        raise AssertionError("only a broken story is told again")
    stage.is_searching = False
    reproduced = sum(_breaks(machine, broken) for _ in range(REPLAYS))
    return describe(broken, replay_line(broken, plan), reproduced=reproduced, replays=REPLAYS)


def _breaks(machine: type[StoryMachine], broken: Broken) -> bool:
    return tell(machine, broken.example.story) is not None
