"""What a person sees while the judge works: a live line on a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
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


class PlainProgress:
    """One line per stage and per verdict, and a sign of life when nothing else was said for `heartbeat_s`."""

    def __init__(self, out: TextIO, clock: Clock, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._out = out
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._doing, self._since_ms = "", clock.now_ms()
        self._done, self._examples = 0, 0
        self._spoke, self._ended = threading.Event(), threading.Event()

    def stage(self, text: str) -> None:
        """Print the stage; the same one again says nothing new."""
        if text != self._doing:
            self._begin(text, examples=0)
            self._print(f"..   {text}")

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """Remember what is judged, for a sign of life."""
        self._begin(f"{property_id} {tier} {binding}", examples)

    def example(self, property_id: str, done: int) -> None:  # noqa: ARG002 - the engine's protocol
        """Remember how far it came."""
        self._done = done

    def finish(self, judgement: Judgement) -> None:
        """Print the verdict."""
        self._begin("", examples=0)
        self._print(judgement_line(judgement))

    def beat(self) -> None:
        """Say what is being done, and for how long already."""
        told = f", {self._done:,} of {self._examples:,} examples" if self._examples else ""
        took = duration(self._clock.now_ms() - self._since_ms)
        self._print(f"..   {self._doing or 'judging'}{told}, {took}")

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

    def _begin(self, doing: str, examples: int) -> None:
        self._doing, self._since_ms = doing, self._clock.now_ms()
        self._done, self._examples = 0, examples

    def _print(self, text: str) -> None:
        with self._lock:
            self._out.write(visible_line(text) + "\n")
            self._out.flush()
        self._spoke.set()


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
    """A spinner with what is being done and how far it came; verdicts scroll by above it."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)

    def stage(self, text: str) -> None:
        """Show the stage."""
        self._show(text, examples=None)

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """Show the property, and a bar of its stories."""
        self._show(f"{property_id}  {tier}, {binding}", examples)

    def example(self, property_id: str, done: int) -> None:  # noqa: ARG002 - the engine's protocol
        """Move the bar."""
        self._bar.update(self._task, completed=done)

    def finish(self, judgement: Judgement) -> None:
        """Print the verdict above the bar, which no longer shows what is over."""
        _say(self._bar.console, judgement_line(judgement), judgement.verdict, VERDICT_COLUMN)
        self._show("", examples=None)

    def _show(self, text: str, examples: int | None) -> None:
        self._bar.reset(self._task, total=examples, description=visible_line(text))


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
