"""One file per running stack, so that `down` finds what a crashed harness left, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from gatespec.clock import until
from gatespec.errors import unable
from gatespec.stack import born
from gatespec.stack.born import Born

if TYPE_CHECKING:
    import psutil

FORMAT = 1
FOLDER_MARK = ".gatespec-run"
"""A run's folder holds this file with the run's id; a folder without it is never deleted."""
GRACE_MS = 3_000
"""How long what a crash left may take to end by itself: PostgreSQL gives its shared memory back."""
KILL_MS = 5_000
"""How long the kernel may take to end a killed process."""

Purpose = Literal["up", "verify", "tests"]


@dataclass(frozen=True)
class Started:
    """One process of a stack."""

    name: str
    born: Born
    stop_signal: int
    port: int | None = None


@dataclass(frozen=True)
class RunState:
    """What stands on the machine because of one run."""

    id: str
    purpose: Purpose
    harness: Born
    folder: Path
    file: Path
    """Where this is written."""
    started: tuple[Started, ...] = ()
    containers: bool = False
    """Whether some of it runs in containers."""

    @property
    def harness_alive(self) -> bool:
        """Whether whoever started this is still there to end it."""
        return born.find(self.harness) is not None

    def having(self, started: Started) -> RunState:
        """The same with one more process; those that ended meanwhile are forgotten."""
        kept = [known for known in self.started if born.find(known.born)]
        return replace(self, started=(*kept, started))

    def processes(self) -> list[psutil.Process]:
        """Every living process of the run: those noted, all that descend from them, all that carry its mark."""
        noted = [process for known in self.started for process in born.tree(known.born)]
        return [process for process in {*noted, *born.marked(self.id)} if born.is_alive(process)]


def state_dir() -> Path:
    """The folder of the state files, made if need be; `GATESPEC_STATE_DIR` names another."""
    named = os.environ.get("GATESPEC_STATE_DIR")
    # A user without a home (a container started under a bare number) still has the folder for temporary files.
    homeless = Path(tempfile.gettempdir()) / f"gatespec-state-{os.geteuid()}"
    for folder in [Path(named)] if named else [platformdirs.user_state_path("gatespec"), homeless]:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_ours(folder):
                return folder
    raise unable(
        "state-folder-unwritable",
        f"cannot keep a state file in {named or homeless}",
        hint="set GATESPEC_STATE_DIR to a folder that you own",
    )


def _is_ours(folder: Path) -> bool:
    found = folder.stat()
    return found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode) and os.access(folder, os.W_OK)


def new(run_id: str, purpose: Purpose, folder: Path) -> RunState:
    """The state of a run that this process owns; nothing is written yet."""
    return RunState(run_id, purpose, born.me(), folder, state_dir() / f"{run_id}.json")


def write(state: RunState) -> None:
    """Replace the state file in one step, so that a reader never meets half of it."""
    content = {"format": FORMAT, **asdict(state)}
    half = state.file.with_suffix(".half")
    half.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    half.replace(state.file)


def read(file: Path) -> RunState | None:
    """Read a state file; None where it is gone or is none of this format."""
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        started = tuple(Started(**{**known, "born": Born(**known["born"])}) for known in written["started"])
        harness, folder = Born(**written["harness"]), Path(written["folder"])
        contained = bool(written.get("containers"))
        return RunState(written["id"], written["purpose"], harness, folder, file, started, contained)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def runs() -> list[RunState]:
    """Every run of this user that a state file tells of."""
    return [state for file in sorted(state_dir().glob("*.json")) if (state := read(file))]


def forget(state: RunState) -> None:
    """Delete the run's folder and its state file: the last step, when no process is left."""
    remove_folder(state)
    state.file.unlink(missing_ok=True)


def remove_folder(state: RunState) -> None:
    """Delete the run's folder, if it is one: never anything else that a damaged state file might name."""
    with suppress(OSError):
        if (state.folder / FOLDER_MARK).read_text(encoding="utf-8") == state.id:
            shutil.rmtree(state.folder, ignore_errors=True)


def end(state: RunState) -> int:
    """End all that a dead harness left of its run, and say how many processes that were."""
    left = state.processes()
    for known in state.started:
        eldest = born.find(known.born)
        if eldest:
            born.send([eldest], known.stop_signal)
    born.send(left, signal.SIGCONT)
    until(lambda: not state.processes(), at_most_ms=GRACE_MS)
    born.send(state.processes(), signal.SIGKILL)
    if not until(lambda: not state.processes(), at_most_ms=KILL_MS):
        pids = ", ".join(str(process.pid) for process in state.processes())
        raise unable("process-stuck", f"cannot end process {pids}", tried="its stop signal, then SIGKILL")
    remove_containers(state)
    forget(state)
    return len(left)


def remove_containers(state: RunState) -> None:
    """Remove what is left of the run's containers: their processes are gone by now."""
    if state.containers:
        from gatespec.stack.contained import remove_all  # noqa: PLC0415 - one runtime of three

        remove_all(state.id)
