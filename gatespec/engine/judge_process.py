"""One judge in a process of its own: how the panel holds it, and what it does there."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import connection, get_context, parent_process
from typing import TYPE_CHECKING, Any, NoReturn

import psutil

from gatespec.catalogue import load_catalogue
from gatespec.engine.chapter import load_chapters
from gatespec.engine.court import open_court
from gatespec.errors import GatespecError, unable
from gatespec.history import HistoryWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatespec.engine.court import Court
    from gatespec.engine.plan import VerifyPlan
    from gatespec.ports import Binding, Tier
    from gatespec.verdict import Judgement

    Asked = tuple[str, Tier, Binding, Path]
    """A case, and the file that its stories go to."""

LEAVE_S = 60.0
"""How long a judge may take to end its stack: gateways drain what they accepted. Killed after it, its reaper does."""
KILLED_S = 5.0
"""How long the kernel may take to end a killed one."""
NICENESS = 5
"""How far who reckons in process stands back behind lanes, whose times are measured."""


class JudgeProcess:
    """The panel's hold on one judge."""

    def __init__(self, plan: VerifyPlan, number: int, *, in_process: bool) -> None:
        self.in_process = in_process
        self._asked: Sequence[Asked] = ()
        # Not forked: a copy of our threads' locks could never be released.
        spawned = get_context("spawn")
        self.connection, theirs = spawned.Pipe()
        own = replace(plan, out=plan.out / f"judge-{number}", side_by_side=1)
        self._process = spawned.Process(target=sit, args=(theirs, own), name=f"judge-{number}", daemon=True)
        with _no_interrupts():
            self._process.start()
        if in_process:
            psutil.Process(self._process.pid).nice(NICENESS)
        theirs.close()

    def ask(self, cases: Sequence[Asked]) -> None:
        """Have it judge these one after the other, and then say that it is free; with none, it leaves."""
        self._asked = cases
        with suppress(OSError):  # that it is gone is heard
            self.connection.send(cases)

    def hear(self) -> tuple[str, Any]:
        """The next that it says; where it died, the error."""
        try:
            said: tuple[str, Any] = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(LEAVE_S)
            about = ", ".join(f"{property_id} {tier} {binding}" for property_id, tier, binding, _ in self._asked)
            died = f"the process that judged {about or 'nothing any more'} ended with {self._process.exitcode}"
            hint = "a killed process often is one too many for the memory: try --side-by-side 1"
            return "error", unable("judge-died", died, hint=hint)
        return said

    def ask_to_stop(self) -> None:
        """Have it end its stack and leave."""
        self._process.terminate()

    def end(self) -> None:
        """Wait until it has left, at most `LEAVE_S`, then kill it."""
        self._process.join(LEAVE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(KILLED_S)
        self.connection.close()


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back while a process begins: it must not meet it before it knows what to do with it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def sit(panel: connection.Connection, plan: VerifyPlan) -> None:
    """Judge what the panel asks for until it asks for nothing more, or is gone."""
    _leave_in_good_order()
    try:
        with open_court(plan, Speaker(panel)) as court:
            while asked := panel.recv():
                for each in asked:
                    panel.send(("judged", _judged(court, each)))
                for leaked in _left(court, asked):
                    panel.send(("left behind", leaked))
                panel.send(("free", None))
            services = court.backstage.services
        panel.send(("left", services))
    except (EOFError, BrokenPipeError):  # nobody is left to hear anything
        return
    except Exception as error:  # noqa: BLE001 - the panel raises it, whatever it is
        panel.send(("error", error if isinstance(error, GatespecError) else _internal(error)))


def _judged(court: Court, asked: Asked) -> tuple[Judgement, str]:
    property_id, tier, binding, part = asked
    row = load_catalogue().property(property_id)
    with part.open("w", encoding="utf-8") as out:
        court.writer = HistoryWriter(out)
        return court.judge_one(row, load_chapters()[property_id], tier, binding), court.dead


def _left(court: Court, asked: Sequence[Asked]) -> list[Judgement]:
    """What the lanes of these cases left behind; it is told of behind the last of them."""
    with asked[-1][-1].open("a", encoding="utf-8") as out:
        court.writer = HistoryWriter(out)
        return court.leave_lanes()


def _internal(error: Exception) -> GatespecError:
    hint = "this is a fault of gatespec: `--side-by-side 1 --debug` shows its traceback"
    return unable("internal", f"{type(error).__name__}: {error}", hint=hint)


class Speaker:
    """Whoever watches the run, as seen from a judge: every word goes to the panel."""

    def __init__(self, panel: connection.Connection) -> None:
        self._panel = panel

    def stage(self, text: str) -> None:
        """Pass it on."""
        self._panel.send(("progress", ("stage", (text,))))

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """Pass it on."""
        self._panel.send(("progress", ("start", (property_id, tier, binding, examples))))

    def example(self, property_id: str, tier: str, binding: str, done: int) -> None:
        """Pass it on."""
        self._panel.send(("progress", ("example", (property_id, tier, binding, done))))

    def finish(self, judgement: Judgement) -> None:
        """Say nothing: the panel says it, when it has the judgement itself."""

    def again(self, judgement: Judgement) -> None:
        """Say nothing: a judge by itself judges nothing twice."""


def _leave_in_good_order() -> None:
    """Ctrl-C is for the panel, which ends us by SIGTERM; where the panel itself is gone, we do the same."""
    signal.signal(signal.SIGINT, lambda *_: None)  # a handler is not inherited, as ignoring would be
    signal.signal(signal.SIGTERM, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_outlive_nobody, name="lifeline", daemon=True).start()


def _leave(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(128 + signal.SIGTERM)


def _outlive_nobody() -> None:
    panel = parent_process()
    if panel is not None:
        connection.wait([panel.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
