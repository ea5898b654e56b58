"""Owns one folder and every process of a stack: none outlives it."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gatespec.clock import until
from gatespec.errors import unable
from gatespec.stack import born, state
from gatespec.stack.process import Child, Command, tail
from gatespec.stack.reaper import Reaper
from gatespec.stack.state import Purpose, Started

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

STOP_MS = 10_000
"""How long a child may take to end by itself before it is killed: a gateway drains what it accepted."""


class Nursery:
    """A context: leaving it ends every child, the last started first, and deletes the folder; the logs stay.

    When the harness dies instead, its reaper does the same; when that dies too, `gatespec down` does.
    """

    def __init__(self, purpose: Purpose, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs.resolve()
        self._state = state.new(secrets.token_hex(8), purpose, _new_folder(purpose))
        (self.folder / state.FOLDER_MARK).write_text(self.id, encoding="utf-8")
        state.write(self._state)
        self._children: list[Child] = []
        self._logging: set[str] = set()
        with ExitStack() as undo:
            undo.callback(state.forget, self._state)
            self._reaper = Reaper(self._state, self.logs / "reaper.log")
            undo.pop_all()

    @property
    def id(self) -> str:
        """The run's id: its children carry it as `GATESPEC_RUN`."""
        return self._state.id

    @property
    def folder(self) -> Path:
        """All that the run writes besides logs."""
        return self._state.folder

    @property
    def reaper_pid(self) -> int:
        """Who watches over us."""
        return self._reaper.pid

    def room(self, name: str) -> Path:
        """A folder of its own for one service, made if need be."""
        room = self.folder / name
        room.mkdir(mode=0o700, exist_ok=True)
        return room

    def log_of(self, name: str) -> Path:
        """Where a child of this name writes."""
        return self.logs / f"{name}.log"

    def _own_log(self, name: str) -> Path:
        """As `log_of`, and empty at its first use: an error must not show the end of another run."""
        log = self.log_of(name)
        if name not in self._logging:
            log.unlink(missing_ok=True)
            self._logging.add(name)
        return log

    def launch(self, command: Command, *, port: int | None = None, output: Path | None = None) -> Child:
        """Start a child and note it at once, so that it is found whatever happens next."""
        marked = replace(command, env={**command.env, born.MARK: self.id})
        child = self._child(marked, output)
        self._children.append(child)
        self._state = self._state.having(Started(command.name, child.born, command.stop_signal, port))
        state.write(self._state)
        return child

    def _child(self, command: Command, output: Path | None) -> Child:
        if not command.image:
            return Child(command, self._own_log(command.name), output)
        from gatespec.stack.contained import Contained  # noqa: PLC0415 - one runtime of three

        self._state = replace(self._state, containers=True)
        state.write(self._state)
        return Contained(command, self._own_log(command.name), output, (self.folder, self.logs))

    def run(self, command: Command, *, at_most_s: float, output: Path | None = None) -> None:
        """Run a command to its end; raise `unable` where it fails or takes longer than `at_most_s`.

        Its standard output goes to `output` where one is given (keys that are shown once are not for logs).
        """
        child = self.launch(command, output=output)
        ended = until(lambda: not child.alive, at_most_ms=int(at_most_s * 1000))
        if not ended:
            self.end([child], grace_ms=0)
        if child.exit_code != 0:
            how = f"ended with exit code {child.exit_code}" if ended else f"did not end within {at_most_s:g} s"
            tried = " ".join(command.argv) + "\n" + tail(child.log)
            raise unable("command-failed", f"{command.name} {how}", tried=tried, hint=f"its whole log is {child.log}")
        self._children.remove(child)

    def end(self, children: Iterable[Child], *, grace_ms: int = STOP_MS) -> None:
        """Ask them all to stop, then see each of them end: together they take no longer than the slowest."""
        ending = list(children)
        family = [process for child in ending for process in born.tree(child.born)]
        for child in ending:
            child.ask_to_stop()
        until(lambda: not any(child.alive for child in ending), at_most_ms=grace_ms)
        born.send(family, signal.SIGKILL)
        with ExitStack() as each:  # one that is stuck must not keep us from the others
            for child in ending:
                each.callback(child.kill)
        self._children = [child for child in self._children if child not in ending]

    def close(self) -> None:
        """End all that is left, the last started first, and delete the folder; the second call does nothing.

        What cannot be ended stays in the state file, for the reaper and for `down`.
        """
        with ExitStack() as last_first:
            for child in self._children:
                last_first.callback(self.end, [child])
        born.send(born.marked(self.id), signal.SIGKILL)  # whoever left its parent and its session, as a daemon does
        state.remove_containers(self._state)
        state.forget(self._state)
        self._reaper.dismiss()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _new_folder(purpose: Purpose) -> Path:
    """A private folder; under root others may pass through it, as PostgreSQL runs as another user inside."""
    folder = Path(tempfile.mkdtemp(prefix=f"gatespec-{purpose}-")).resolve()
    if os.geteuid() == 0:
        folder.chmod(0o711)
    return folder
