"""One property on one gateway: what was told there, what came of it, and the shortest way to see it break."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.checkers.findings import Findings
from gatespec.engine.story import Broken, write_story
from gatespec.history import Context, Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.clock import Clock
    from gatespec.engine.chapter import Chapter
    from gatespec.history import HistoryWriter
    from gatespec.ports import Gateway

SHRINK_MS = 30_000
"""How long a broken promise is made shorter: past that, a person would rather read it than wait."""


class ShrunkEnough(BaseException):
    """Ends Hypothesis' search where it stands; not an Exception, or it would take it for another finding."""


@dataclass
class Stage:
    """Where a chapter is played, and the sum of all its stories."""

    chapter: Chapter
    gateway: Gateway
    context: Context
    statement: str
    """Word for word, as it comes back in a failure."""
    clock: Clock
    """Real time, which bounds the search for shorter stories."""
    history: HistoryWriter | None = None
    watch: Callable[[int], None] = lambda _: None
    """Told how many distinct stories there are, after each one."""
    findings: Findings = field(default_factory=Findings)
    requests: int = 0
    told_count: int = 0
    """Stories in which a request was sent, repetitions too."""
    told: set[str] = field(default_factory=set)
    """Distinct stories in which a request was sent."""
    shortest: Broken | None = None
    _number: int = 0
    _broke_at_ms: int = 0

    def begin(self) -> Example:
        """Open a story on fresh ground."""
        self.gateway.begin()
        self._number += 1
        return Example(self.context, self._number)

    def broke(self, broken: Broken) -> None:
        """Keep the shortest story that broke the statement: fewest steps, then fewest requests."""
        if self.shortest is None:
            self._broke_at_ms = self.clock.now_ms()
        if self.shortest is None or _size(broken.example) <= _size(self.shortest.example):
            self.shortest = broken

    def finish(self, example: Example) -> None:
        """Add a finished story to the sum; stop the search once it has been shortened for long enough."""
        if self.history:
            self.history.example(example)
        if example.exchanges:
            self.findings.add(self.chapter.check(example, 0))
            self.requests += len(example.exchanges)
            self.told_count += 1
            self.told.add(write_story(example.story))
            self.watch(len(self.told))
        if self.shortest and self.clock.now_ms() - self._broke_at_ms > SHRINK_MS:
            raise ShrunkEnough


def _size(example: Example) -> tuple[int, int]:
    return len(example.story), len(example.exchanges)
