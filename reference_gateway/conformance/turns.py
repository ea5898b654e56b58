"""Work of many instances on one clock that stands until it is told to run: each thing happens at its own moment.

A coroutine here waits for gates only. No event loop is needed: the core that runs on one does not know the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

TURNS_MAX = 1_000_000
"""Of one run: more means that something goes round without time passing."""


class MovingClock(Protocol):
    """The clock of everything in a judge's process, moved by whoever runs its work."""

    def now_ms(self) -> int:
        """Milliseconds since an epoch that only this clock knows."""

    def advance(self, duration_ms: int) -> None:
        """Let time pass."""


@dataclass(eq=False)
class Process:
    """Whose work it is. Paused it stands still, and what falls due meanwhile happens when it goes on."""

    running: bool = True
    work: set[Work] = field(default_factory=set)
    held: list[Happening] = field(default_factory=list)


@dataclass(eq=False)
class Work:
    """A coroutine under way; `wait` numbers its waits, so that only the first thing that ends one counts."""

    process: Process
    steps: Coroutine[Any, Any, Any]
    wait: int = 0


@dataclass(order=True)
class Happening:
    """Something that falls due; of the same moment, what was made first comes first."""

    at_ms: int
    number: int
    process: Process = field(compare=False)
    happen: Callable[[], None] = field(compare=False)


class Turns:
    """Everything that is to happen."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self._due: list[Happening] = []
        self._numbers = count()

    def start(self, process: Process, steps: Coroutine[Any, Any, Any]) -> None:
        """Begin some work at once, which is with the next run."""
        work = Work(process, steps)
        process.work.add(work)
        self._resume(work, 0, None)

    def gate(self) -> SteppedGate:
        """Make a closed gate."""
        return SteppedGate(self)

    def run(self, until_ms: int) -> None:
        """Do all that falls due up to and including `until_ms`; then it is that moment."""
        for _ in range(TURNS_MAX):
            if not self._due or self._due[0].at_ms > until_ms:
                break
            self._happen(heappop(self._due))
        else:
            raise AssertionError("work goes round without time passing")
        self._to(until_ms)

    def pause(self, process: Process) -> None:
        """Let nothing of it happen."""
        process.running = False

    def resume(self, process: Process) -> None:
        """Let what fell due meanwhile happen now, in its order."""
        process.running = True
        for happening in sorted(process.held):
            heappush(self._due, happening)
        process.held.clear()

    def kill(self, process: Process) -> None:
        """Drop all that it does, without a last word."""
        process.running = True
        process.held.clear()
        self._due = [happening for happening in self._due if happening.process is not process]
        heapify(self._due)
        work, process.work = process.work, set()
        for each in work:
            each.wait = -1
            each.steps.close()
        self._due = [happening for happening in self._due if happening.process is not process]
        heapify(self._due)

    def later(self, work: Work, number: int, at_ms: int, value: object) -> None:
        """Go on with `work` at a moment, unless its wait has ended otherwise by then."""
        happening = Happening(at_ms, next(self._numbers), work.process, lambda: self._step(work, number, value))
        heappush(self._due, happening)

    def _resume(self, work: Work, number: int, value: object) -> None:
        self.later(work, number, self.clock.now_ms(), value)

    def opened(self, work: Work, number: int) -> None:
        """Go on with whoever waited for a gate."""
        self._resume(work, number, value=True)

    def _happen(self, happening: Happening) -> None:
        if not happening.process.running:
            happening.process.held.append(happening)
            return
        self._to(happening.at_ms)
        happening.happen()

    def _step(self, work: Work, number: int, value: object) -> None:
        if work.wait != number:
            return
        work.wait += 1
        try:
            pause: _Pause = work.steps.send(value)
        except StopIteration:
            work.process.work.discard(work)
        else:
            pause.gate.admit(work, work.wait)
            self.later(work, work.wait, self.clock.now_ms() + pause.at_most_ms, value=False)

    def _to(self, moment_ms: int) -> None:
        if (ahead_ms := moment_ms - self.clock.now_ms()) > 0:
            self.clock.advance(ahead_ms)


class SteppedGate:
    """Closed until somebody opens it, once; the port `Gate`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_open = False
        self._waiting: list[tuple[Work, int]] = []

    def open(self) -> None:
        """As the port."""
        self._is_open = True
        waiting, self._waiting = self._waiting, []
        for work, number in waiting:
            self._turns.opened(work, number)

    async def passed(self, at_most_ms: int) -> bool:
        """As the port."""
        return self._is_open or bool(await _Pause(self, max(0, at_most_ms)))

    def admit(self, work: Work, number: int) -> None:
        """Let `work` wait here."""
        if self._is_open:
            self._turns.opened(work, number)
        else:
            self._waiting.append((work, number))


@dataclass(frozen=True)
class _Pause:
    """What a coroutine says when it waits."""

    gate: SteppedGate
    at_most_ms: int

    def __await__(self) -> Generator[_Pause, bool, bool]:
        return (yield self)
