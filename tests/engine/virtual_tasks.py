"""Tasks on a virtual clock: generators that yield what they wait for, and until when at most."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatespec.read_ports import Life

Wait = tuple[Callable[[], bool], float]
Task = Generator[Wait, None, Any]


def until(moment_ms: float) -> Wait:
    """Wait for nothing but the moment."""
    return (lambda: False), moment_ms


@dataclass
class Process:
    """Whose tasks they are: while it is paused they stand still, and when it is killed they are gone."""

    life: Life = "running"
    waiting: list[tuple[Wait, Task]] = field(default_factory=list)


class Scheduler:
    """Runs what is ready, then turns the clock to the next moment that somebody waits for."""

    def __init__(self, clock: Any) -> None:  # noqa: ANN401 - the judge's own, with `advance`
        self._clock = clock
        self._processes: list[Process] = []

    @property
    def now(self) -> int:
        return int(self._clock.now_ms())

    def add(self, process: Process) -> None:
        self._processes.append(process)

    def start(self, process: Process, task: Task) -> None:
        """Begin a task when the clock next runs."""
        process.waiting.append((until(self.now), task))

    def run(self, until_ms: int) -> None:
        while True:
            while any(self._step(process) for process in self._processes):
                pass
            moments = (wait[1] for p in self._running() for wait, _ in p.waiting)
            if (soonest := min(moments, default=inf)) > until_ms:
                break
            self._clock.advance(int(soonest) - self.now)
        self._clock.advance(until_ms - self.now)

    def _running(self) -> list[Process]:
        return [process for process in self._processes if process.life == "running"]

    def _step(self, process: Process) -> bool:
        """Go on with the first task that is ready; say whether there was one."""
        if process.life != "running":
            return False
        for place, ((happened, at), task) in enumerate(process.waiting):
            if at <= self.now or happened():
                del process.waiting[place]
                if (wait := next(task, None)) is not None:
                    process.waiting.append((wait, task))
                return True
        return False
