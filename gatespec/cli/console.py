"""What a person sees while the judge works: a live line on a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.clock import MonotonicClock
from gatespec.report.entries import duration
from gatespec.report.lines import VERDICT_COLUMN, closing_lines, errors, judgement_line
from gatespec.report.visible import visible, visible_line
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from gatespec.clock import Clock
    from gatespec.engine.plan import Progress

HEARTBEAT_S = 10.0
"""How long a log may stay silent: a person who waits longer begins to wonder whether it hangs."""
JOIN_S = 5.0
"""How long the heartbeat may take to end: it only finishes a line."""
_STYLES = {
    Verdict.HOLDS: "green",
    Verdict.BROKEN: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.HARNESS_ERROR: "bold magenta",
}
_OTHER_STYLE = "dim"


@contextmanager
def watching(out: TextIO | None = None) -> Iterator[Progress]:
    """Show progress on `out`, standard output by default, for as long as the block runs."""
    out = out or sys.stdout
    with _live(out) if out.isatty() else _plain(out) as progress:
        yield progress


def show_closing(judgements: tuple[Judgement, ...], verdict: Verdict, *reports: Path) -> None:
    """Print what must be acted on, the verdict, and where the reports lie; shell lines stay whole, however long.

    Errors go to standard error, in the form that they have everywhere.
    """
    sys.stdout.flush()
    for error in errors(judgements):
        print(visible(error), file=sys.stderr, flush=True)  # noqa: T201 - the command's output
    lines = [*closing_lines(judgements, verdict)]
    if reports:
        lines.append("reports  " + "  ".join(visible_line(str(path)) for path in reports))
    if not sys.stdout.isatty():
        print("\n".join(lines))  # noqa: T201 - the command's output
        return
    console = _console(sys.stdout)
    for line in lines:
        _say(console, line, verdict, len("verdict  ") if line.startswith("verdict  ") else None)


Subject = tuple[str, str, str]
"""A property, a tier, a binding."""


@dataclass
class Going:
    """How far a judgement came."""

    since_ms: int
    examples: int
    done: int = 0

    def told(self, now_ms: int) -> str:
        """As `120 of 300 examples, 45.0 s`."""
        return f"{self.done:,} of {self.examples:,} examples, {duration(now_ms - self.since_ms)}"


class PlainProgress:
    """One line per stage and per verdict, and a sign of life when nothing else was said for `heartbeat_s`."""

    def __init__(self, out: TextIO, clock: Clock, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._out = out
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._staged: set[str] = set()
        self._doing, self._since_ms = "judging", clock.now_ms()
        self._judged: dict[Subject, Going] = {}
        self._spoke, self._ended = threading.Event(), threading.Event()

    def stage(self, text: str) -> None:
        """Print the stage; the same one again, of another judge perhaps, says nothing new."""
        self._doing, self._since_ms = text, self._clock.now_ms()
        if text not in self._staged:
            self._staged.add(text)
            self._print(f"..   {text}")

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """Remember what is judged, for a sign of life."""
        self._judged[property_id, tier, binding] = Going(self._clock.now_ms(), examples)

    def example(self, property_id: str, tier: str, binding: str, done: int) -> None:
        """Remember how far it came."""
        self._judged[property_id, tier, binding].done = done

    def finish(self, judgement: Judgement) -> None:
        """Print the verdict."""
        self._judged.pop((judgement.property_id, judgement.tier, judgement.binding), None)
        self._doing, self._since_ms = "judging", self._clock.now_ms()
        self._print(judgement_line(judgement))

    def again(self, judgement: Judgement) -> None:
        """Print why it is judged again."""
        self._judged.pop((judgement.property_id, judgement.tier, judgement.binding), None)
        self.stage(_once_more(judgement))

    def beat(self) -> None:
        """Say what is being done, and for how long already."""
        now_ms = self._clock.now_ms()
        under_way = [f"{' '.join(subject)}, {going.told(now_ms)}" for subject, going in [*self._judged.items()]]
        self._print(f"..   {'; '.join(under_way) or f'{self._doing}, {duration(now_ms - self._since_ms)}'}")

    def watch(self) -> None:
        """Beat whenever nothing was said for too long, until `end`."""
        while not self._ended.is_set():
            if not self._spoke.wait(self._heartbeat_s):
                self.beat()
            self._spoke.clear()

    def end(self) -> None:
        """Let `watch` return."""
        self._ended.set()
        self._spoke.set()

    def _print(self, text: str) -> None:
        with self._lock:
            self._out.write(visible_line(text) + "\n")
            self._out.flush()
        self._spoke.set()


def _once_more(judgement: Judgement) -> str:
    about = f"{judgement.property_id} {judgement.tier} {judgement.binding}"
    return f"{about} is judged again by itself: beside others {judgement.reason}"


@contextmanager
def _plain(out: TextIO) -> Iterator[PlainProgress]:
    progress = PlainProgress(out, MonotonicClock())
    heart = threading.Thread(target=progress.watch, name="heartbeat", daemon=True)
    heart.start()
    try:
        yield progress
    finally:
        progress.end()
        heart.join(JOIN_S)


class LiveProgress:
    """Spinners with what is being done and how far each came; verdicts scroll by above them."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._stage = bar.add_task("starting", total=None)
        self._judged: dict[Subject, TaskID] = {}

    def stage(self, text: str) -> None:
        """Show the stage."""
        self._bar.reset(self._stage, total=None, description=visible_line(text), visible=True)

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """Show the property, and a bar of its stories, instead of what led to it."""
        self._bar.update(self._stage, visible=False)
        text = visible_line(f"{property_id}  {tier}, {binding}")
        self._judged[property_id, tier, binding] = self._bar.add_task(text, total=examples)

    def example(self, property_id: str, tier: str, binding: str, done: int) -> None:
        """Move its bar."""
        self._bar.update(self._judged[property_id, tier, binding], completed=done)

    def finish(self, judgement: Judgement) -> None:
        """Print the verdict above the bars, which no longer show what is over."""
        _say(self._bar.console, judgement_line(judgement), judgement.verdict, VERDICT_COLUMN)
        self._forget(judgement)

    def again(self, judgement: Judgement) -> None:
        """Say why it is judged again."""
        self._bar.console.print(visible_line(f"..   {_once_more(judgement)}"))
        self._forget(judgement)

    def _forget(self, judgement: Judgement) -> None:
        task = self._judged.pop((judgement.property_id, judgement.tier, judgement.binding), None)
        if task is not None:
            self._bar.remove_task(task)


@contextmanager
def _live(out: TextIO) -> Iterator[LiveProgress]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - slow

    told = TextColumn("{task.completed:,.0f}", markup=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), told, TimeElapsedColumn())
    with Progress(*columns, console=_console(out), transient=True) as bar:
        yield LiveProgress(bar)


def _console(out: TextIO) -> Console:
    """A terminal that takes every text as it is: no markup, no emoji names, no highlighting."""
    from rich.console import Console  # noqa: PLC0415 - slow, and only a terminal needs it

    return Console(file=out, force_terminal=True, markup=False, emoji=False, highlight=False)


def _say(console: Console, line: str, verdict: Verdict, at: int | None) -> None:
    """Print one line, the verdict that stands `at` this column in its colour."""
    from rich.text import Text  # noqa: PLC0415 - slow, and only a terminal needs it

    text = Text(line)
    if at is not None:
        text.stylize(_STYLES.get(verdict, _OTHER_STYLE), at, at + len(verdict))
    console.print(text, soft_wrap=True)
