"""One child process and all that it starts: a session of its own, a log file, a bounded end."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.clock import until
from gatespec.errors import GatespecError, unable
from gatespec.stack import born

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import psutil

    from gatespec.stack.account import Account

KILL_MS = 5_000
"""How long the kernel may take to end or stop a process; only one stuck in a system call needs more than a moment."""
TAIL_LINES = 15
"""Lines of a log that an error shows: a Python traceback's end, and what led to it."""
TAIL_BYTES = 16_384


@dataclass(frozen=True)
class Command:
    """What to start: the name is also its log's name; the environment is whole, nothing is inherited."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    account: Account | None = None
    """Whom to run as; None: as ourselves."""
    stop_signal: int = signal.SIGTERM
    image: str = ""
    """The container image that it comes from; empty: this machine."""


class Child:
    """A started command. It leads its own session, so that a terminal's Ctrl-C reaches the judge alone."""

    def __init__(self, command: Command, log: Path, output: Path | None = None) -> None:
        self.command = command
        self.log = log
        self._popen = _spawn(command, log, output)
        self.born = born.born(self._popen.pid)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number where one ended it."""
        return self._popen.poll()

    @property
    def alive(self) -> bool:
        """Whether it runs, or is paused."""
        return self.exit_code is None

    def pause(self) -> None:
        """Stop it and all its children where they stand (SIGSTOP): sockets stay open, nothing answers.

        Return when all have stopped; raise `unable` where one does not.
        """
        family = self._halted()
        if not until(lambda: all(map(born.is_stopped, family)), at_most_ms=KILL_MS):
            raise self._stuck("SIGSTOP", "stop")

    def resume(self) -> None:
        """Let it go on after a pause."""
        born.send(reversed(born.tree(self.born)), signal.SIGCONT)

    def _halted(self) -> list[psutil.Process]:
        """Its whole tree, told to stop from the top down, so that none starts another behind our back."""
        top = born.find(self.born)
        born.send([top] if top else [], signal.SIGSTOP)
        family = born.tree(self.born)
        born.send(family, signal.SIGSTOP)
        return family

    def ask_to_stop(self) -> None:
        """Send its stop signal; a paused one is woken to hear it."""
        if self.alive:
            self.resume()
            with suppress(ProcessLookupError):
                os.kill(self.born.pid, self.command.stop_signal)

    def kill(self) -> None:
        """End it, its tree and what is left of its session as a power cut would (SIGKILL); return when all are gone."""
        family = {*self._halted(), *self._session()}
        born.send(family, signal.SIGKILL)
        self._await_gone(family)

    def _session(self) -> list[psutil.Process]:
        """Who is in its session, also when it is gone itself. By the mark: its number alone may be another's by now."""
        everybody = born.marked(self.command.env[born.MARK])
        return [process for process in everybody if born.session(process) == self.born.pid]

    def _await_gone(self, family: Collection[psutil.Process]) -> None:
        gone = until(lambda: not self.alive and not any(map(born.is_alive, family)), at_most_ms=KILL_MS)
        if not gone:
            raise self._stuck("SIGKILL", "end")

    def _stuck(self, signal_name: str, what: str) -> GatespecError:
        return unable(
            "process-stuck",
            f"{self.command.name} (pid {self.born.pid}) does not {what}",
            tried=f"{signal_name}, and waited {KILL_MS} ms",
            hint="look at it with `ps`; a process in state D waits for a disk or a network mount",
        )

    def tail(self) -> str:
        """The last lines of its log."""
        return tail(self.log)


def tail(log: Path) -> str:
    """The last lines of a log, or a word that it is empty."""
    with suppress(OSError), log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = lines.read().decode("utf-8", "replace").splitlines()
        return "\n".join(text[-TAIL_LINES:]) or "(its log is empty)"
    return "(it has no log)"


def _spawn(command: Command, log: Path, output: Path | None) -> subprocess.Popen[bytes]:
    """Start it with nothing on its standard input, and both outputs in files that outlive it."""
    who = command.account
    try:
        with log.open("ab") as errors, (output or log).open("ab") as out:
            return subprocess.Popen(
                command.argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                cwd=command.cwd,
                env=dict(command.env),
                start_new_session=True,
                user=who.uid if who else None,
                group=who.gid if who else None,
                extra_groups=[] if who else None,
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise _not_started(command, error) from error


def _not_started(command: Command, error: Exception) -> GatespecError:
    return unable(
        "command-not-started",
        f"cannot start {command.name}: {error}",
        tried=" ".join(command.argv) + (f" as user {command.account.name}" if command.account else ""),
        hint=f"look whether {command.argv[0]} and the folder {command.cwd} exist and may be entered",
    )
