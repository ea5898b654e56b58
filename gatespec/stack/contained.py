"""One process in a container that is judged as a child process is: same folders, same addresses, same faults.

The container shares the machine's network and the run's own folders, so that an address or a path means the same inside
and outside; whatever else the image does not bring is not there. Its process is seen from here by its number, and so it
is paused, killed and asked to stop by signals, as every other.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import psutil

from gatespec.clock import until
from gatespec.errors import GatespecError, unable
from gatespec.stack import born
from gatespec.stack.environment import CERTIFICATES, PASSED_ON
from gatespec.stack.process import Child, Command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from docker.models.containers import Container

LABEL = "gatespec.run"
"""Carries the run's id, as `GATESPEC_RUN` does inside."""
START_MS = 30_000
"""How long the daemon may take from a container's start to its process; a second on a quiet machine."""
ENDED_S = 30
"""How long the daemon may take to notice that a process ended."""
OUTPUT = 'exec "$@" >>"$GATESPEC_STDOUT" 2>>"$GATESPEC_STDERR"'
"""A container's outputs go where a child's would: to files that outlive it."""
SIGNALLED = 128
"""A shell's way to say by which signal a process ended."""
MINE = frozenset({*PASSED_ON, *CERTIFICATES})
"""What is told of this machine, and means nothing inside."""


class Contained(Child):
    """A started command whose files come from an image."""

    def __init__(self, command: Command, log: Path, output: Path | None, shared: Sequence[Path]) -> None:
        self.command = command
        self.log = log
        self._exit_code: int | None = None
        self._container = _start(command, log, output or log, shared)
        self.born = self._found()

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number where one ended it."""
        if self._exit_code is None and born.find(self.born) is None:
            self._exit_code = self._ended_with()
        return self._exit_code

    def _ended_with(self) -> int:
        said = int(self._container.wait(timeout=ENDED_S)["StatusCode"])
        with suppress(_docker_error()):
            self._container.remove(force=True, v=True)
        return SIGNALLED - said if said > SIGNALLED else said

    def _found(self) -> born.Born:
        """The process that the container is for: the only child of its init."""
        found: list[born.Born] = []
        if not until(lambda: self._over() or self._look(found), at_most_ms=START_MS):
            raise _out_of_sight(self.command)
        return found[0] if found else born.Born(0, 0.0)

    def _look(self, found: list[born.Born]) -> bool:
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(int(self._container.attrs["State"]["Pid"])).children()
            found += [born.born(each.pid) for each in first]
        return bool(found)

    def _over(self) -> bool:
        self._container.reload()
        return str(self._container.status) in {"exited", "dead"}


def _start(command: Command, log: Path, output: Path, shared: Sequence[Path]) -> Container:
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - half a second, for one runtime of three
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - as above

    # Our own reaper ends what is left: it needs no image, and no container that holds the socket of the daemon.
    testcontainers_config.ryuk_disabled = True

    for file in (log, output):
        file.touch(mode=0o600)
    uid, gid = (command.account.uid, command.account.gid) if command.account else (os.geteuid(), os.getegid())
    if command.account:
        os.chown(log, uid, gid)
    given = {name: value for name, value in command.env.items() if name not in MINE}
    options: dict[str, Any] = {"network_mode": "host", "init": True, "user": f"{uid}:{gid}"}
    if any(command.cwd.is_relative_to(folder) for folder in shared):
        options["working_dir"] = str(command.cwd)
    container = DockerContainer(
        command.image,
        env={**given, "GATESPEC_STDOUT": str(output), "GATESPEC_STDERR": str(log)},
        volumes=[
            *((str(folder), str(folder), "rw") for folder in shared),
            (str(_known_users(shared[0], uid, gid)), "/etc/passwd", "ro"),
        ],
        entrypoint=["/bin/sh", "-c", OUTPUT, "sh"],
        labels={LABEL: command.env[born.MARK]},
        **options,
    ).with_command(list(command.argv))
    try:
        started: Container = container.start().get_wrapped_container()
    except _docker_error() as error:
        raise unable(
            "container-not-started",
            f"cannot start {command.name} from the image {command.image}: {error}",
            tried=" ".join(command.argv),
            hint="`gatespec doctor --runtime containers` shows what is missing",
        ) from error
    return started


def _known_users(folder: Path, uid: int, gid: int) -> Path:
    """Users as the container is to know them: PostgreSQL, for one, refuses to be a number without a name."""
    file = folder / f"passwd-{uid}"
    ours = f"judge:x:{uid}:{gid}::/tmp:/bin/sh\n" if uid else ""
    file.write_text(f"root:x:0:0::/root:/bin/sh\n{ours}", encoding="utf-8")
    file.chmod(0o644)
    return file


def remove_all(run_id: str) -> int:
    """Remove every container that carries the run's label, and say how many; 0 too where no daemon answers."""
    import docker  # noqa: PLC0415 - as above

    with suppress(_docker_error()), closing(docker.from_env()) as client:
        left = client.containers.list(all=True, filters={"label": f"{LABEL}={run_id}"}, ignore_removed=True)
        for container in left:
            with suppress(_docker_error()):
                container.remove(force=True, v=True)
        return len(left)
    return 0


def _docker_error() -> type[Exception]:
    from docker.errors import DockerException  # noqa: PLC0415 - as above

    error: type[Exception] = DockerException
    return error


def _out_of_sight(command: Command) -> GatespecError:
    return unable(
        "container-out-of-sight",
        f"the process of {command.name} is not to be seen from here",
        tried=f"waited {START_MS // 1000} s for it among this machine's processes",
        hint="Docker must run on this very machine: no remote daemon, no virtual machine (docs/containers.md)",
    )
