"""The sum of a property's stories, and the shortest way to see it break."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from gatespec.checkers.findings import Breach, Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatespec.history import Example

Step = tuple[str, dict[str, Any]]
Story: TypeAlias = "Sequence[Step]"


class Broken(AssertionError):  # noqa: N818 - it is a finding, not an error of the judge
    """The target broke the statement; nothing else raises this."""

    def __init__(self, breach: Breach, example: Example) -> None:
        super().__init__(breach.what)
        self.breach = breach
        self.example = example


@dataclass
class Tally:
    """What a verdict is weighed by."""

    findings: Findings = field(default_factory=Findings)
    marks: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    examples: int = 0
    """Stories in which a request was sent, repetitions too."""
    shortest: Broken | None = None
    _told: set[str] = field(default_factory=set)

    @property
    def distinct(self) -> int:
        """Distinct stories in which a request was sent."""
        return len(self._told)

    def add(self, example: Example, findings: Findings, witness: Callable[[Example], Counter[str]]) -> None:
        """Count a story, if anything was asked in it."""
        if not example.exchanges:
            return
        self.findings.add(findings)
        self.marks += witness(example)
        self.requests += len(example.exchanges)
        self.examples += 1
        self._told.add(write_story(example.story))

    def broke(self, broken: Broken) -> None:
        """Keep the shortest story that broke the statement: fewest steps, then fewest requests."""
        if self.shortest is None or _size(broken.example) <= _size(self.shortest.example):
            self.shortest = broken


def _size(example: Example) -> tuple[int, int]:
    return len(example.story), len(example.exchanges)


def write_story(story: Sequence[Step]) -> str:
    """A story as one line of JSON, for a shell line that replays it."""
    return json.dumps([[name, said] for name, said in story], separators=(",", ":"))


def sentences(story: Sequence[Step]) -> tuple[str, ...]:
    """A story for people: `asks(who=0, count=3)`."""
    return tuple(f"{name}({', '.join(f'{k}={v!r}' for k, v in said.items())})" for name, said in story)
