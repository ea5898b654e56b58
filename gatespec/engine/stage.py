"""One property on one gateway: where its stories are told, recorded and summed up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.engine.tally import Tally
from gatespec.history import Context, Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.checkers.findings import Findings
    from gatespec.clock import Clock
    from gatespec.engine.chapter import Chapter
    from gatespec.engine.lag import LagMeter
    from gatespec.engine.tally import Broken
    from gatespec.history import HistoryWriter
    from gatespec.ports import Gateway

SHRINK_MS = 30_000
"""How long a broken promise is made shorter: past that, a person would rather read it than wait."""


class ShrunkEnough(BaseException):
    """Ends Hypothesis' search where it stands; not an Exception, or it would take it for another finding."""


@dataclass
class Stage:
    """A chapter, the gateway that it is played on, and what came of it."""

    chapter: Chapter
    gateway: Gateway
    context: Context
    clock: Clock
    """Real time, which bounds the search for shorter stories."""
    history: HistoryWriter | None = None
    watch: Callable[[int], None] = lambda _: None
    """Told how many distinct stories there are, after each one."""
    notice: Callable[[str], None] = lambda _: None
    """Told once when the statement broke."""
    lag: LagMeter | None = None
    """What the machine itself is late by; None in process, where time is the judge's."""
    tally: Tally = field(default_factory=Tally)
    is_searching: bool = True
    """Whether stories are told to find a shorter one: what is only told again is told to its end."""
    _number: int = 0
    _broke_at_ms: int = 0

    def begin(self) -> Example:
        """Open a story on fresh ground."""
        self.gateway.begin()
        if self.lag:
            self.lag.begin_story()
        self._number += 1
        return Example(self.context, self._number)

    def lag_ms(self) -> int:
        """How late the machine was by itself since the story began."""
        return self.lag.story_ms if self.lag else 0

    def check(self, example: Example, since: int) -> Findings:
        """Judge the exchanges of a story from this place on."""
        return self.chapter.check(example, since)

    def broke(self, broken: Broken) -> None:
        """Take note of a story that broke the statement; the first one starts the time for shortening it."""
        if self.tally.shortest is None:
            self._broke_at_ms = self.clock.now_ms()
            named = self.context.property_id
            self.notice(f"{named} is broken; looking for a shorter story, at most {SHRINK_MS // 1000} s")
        self.tally.broke(broken)

    def finish(self, example: Example, findings: Findings) -> None:
        """Record a finished story and add it to the sum; stop the search once it was shortened for long enough."""
        if self.history:
            self.history.example(example)
        self.tally.add(example, findings, self.chapter.witness)
        self.watch(self.tally.distinct)
        if self.is_searching and self.tally.shortest and self.clock.now_ms() - self._broke_at_ms > SHRINK_MS:
            raise ShrunkEnough
