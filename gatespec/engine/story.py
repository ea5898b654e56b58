"""A story: what a state machine did, in words that can be told again without Hypothesis."""

from __future__ import annotations

import functools
import json
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from hypothesis import stateful

from gatespec.checkers.findings import Findings, check_soundness
from gatespec.engine.tally import Broken
from gatespec.errors import usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from gatespec.engine.tally import Step
    from gatespec.history import Example
    from gatespec.ports import Exchange, Gateway, Request

# Hypothesis' overloads know only strategies given one by one.
_rule: Any = stateful.rule
_initialize: Any = stateful.initialize


class Scene(Protocol):
    """Where a story is told."""

    @property
    def gateway(self) -> Gateway:
        """Whatever is judged."""

    def begin(self) -> Example:
        """Open a story on fresh ground."""

    def lag_ms(self) -> int:
        """How late the machine was by itself since the story began."""

    def check(self, example: Example, since: int) -> Findings:
        """Judge the exchanges of a story from this place on."""

    def broke(self, broken: Broken) -> None:
        """Take note of a story that broke the statement."""

    def finish(self, example: Example, findings: Findings) -> None:
        """Take over a finished story."""


class StoryMachine(stateful.RuleBasedStateMachine):
    """A state machine whose every step is written down and judged on the finished history.

    The engine binds `stage` in a subclass of its own for each property, tier and binding.
    """

    stage: ClassVar[Scene]

    def __init__(self) -> None:
        super().__init__()
        self.example = self.stage.begin()
        self.findings = Findings()
        self._judged = 0

    @property
    def gateway(self) -> Gateway:
        """Whatever is judged."""
        return self.stage.gateway

    def ask(self, *requests: Request) -> list[Exchange]:
        """Send the requests side by side and keep what came back, in the order sent."""
        exchanges = self.gateway.play(requests)
        self.example.exchanges += sorted(exchanges, key=lambda e: e.span.sent_ms)
        return exchanges

    def judge(self) -> None:
        """Hold what came back since the last step against the statement."""
        check_soundness(self.example)
        findings = self.stage.check(self.example, self._judged)
        self._judged = len(self.example.exchanges)
        self.findings.add(findings)
        if findings.breaches:
            broken = Broken(findings.breaches[0], self.example)
            self.stage.broke(broken)
            raise broken

    def teardown(self) -> None:
        """Hand the finished story over."""
        self.stage.finish(self.example, self.findings)


def _telling(step: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(step)
    def told_step(self: StoryMachine, **said: Any) -> None:  # noqa: ANN401 - a rule says what its strategies draw
        self.example.story.append((step.__name__, said))
        step(self, **said)
        self.judge()

    return told_step


def _marked(rule: Any) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
    rule.told = True
    return rule


def told(**said: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Make a method a rule whose steps are written down; what it draws must be plain JSON values."""

    def decorate(step: Callable[..., None]) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
        return _marked(_rule(**said)(_telling(step)))

    return decorate


def after_asking(rule: Any) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
    """Keep a rule for stories in which something was asked already: before, waiting is wasted, on the wire for real."""
    return stateful.precondition(lambda machine: bool(machine.example.exchanges))(rule)


def opens(**said: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Make a method the first step of every story."""

    def decorate(step: Callable[..., None]) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
        return _marked(_initialize(**said)(_telling(step)))

    return decorate


def tell(machine: type[StoryMachine], story: Sequence[Step]) -> Broken | None:
    """Tell a story again on fresh identities; return how it broke, if it did."""
    actor = machine()
    try:
        for name, said in story:
            getattr(actor, name)(**said)
    except Broken as broken:
        return broken
    finally:
        actor.teardown()
    return None


def read_story(text: str, machine: type[StoryMachine]) -> list[Step]:
    """Read what `write_story` wrote; a usage error says which step this property does not have."""
    try:
        story = [(str(name), dict(said)) for name, said in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise usage(
            "story-malformed", f"--replay is not a story: {error}", hint="copy the whole replay line"
        ) from error
    for name, said in story:
        step = getattr(machine, name, None)
        if step is None or not getattr(step, "told", False):
            raise usage("story-unknown-step", f"--replay: {machine.__name__} has no step {name!r:.40}")
        if set(said) != set(signature(step).parameters) - {"self"}:
            raise usage("story-malformed", f"--replay: {name} does not say {', '.join(said) or 'nothing'}")
    if not story:
        raise usage("story-malformed", "--replay: the story has no step", hint="copy the whole replay line")
    return story
