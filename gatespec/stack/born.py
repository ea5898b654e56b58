"""Processes by number and birth, so that none is mistaken for a later one that got its number."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "GATESPEC_RUN"
"""The environment variable that every child carries, also one that left its session; its value is the run's id."""
BIRTH_SLACK_S = 0.02
"""Two looks at one process's birth differ by rounding (a tick is 10 ms); a number is never reused that fast."""


@dataclass(frozen=True)
class Born:
    """A process number and the moment it was given out, in seconds since 1970."""

    pid: int
    created: float


def born(pid: int) -> Born:
    """Note the birth of a process that certainly runs or is not yet reaped."""
    return Born(pid, psutil.Process(pid).create_time())


def me() -> Born:
    """This very process."""
    return born(os.getpid())


def find(who: Born) -> psutil.Process | None:
    """The process itself, or None where it is gone, a zombie, or another with its number."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(who.pid)
        same = abs(process.create_time() - who.created) <= BIRTH_SLACK_S
        return process if same and is_alive(process) else None
    return None


def is_alive(process: psutil.Process) -> bool:
    """False also for a zombie: nobody may be there to reap it, and it holds neither port nor memory."""
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_stopped(process: psutil.Process) -> bool:
    """Whether it stands still after SIGSTOP; one that is gone does so too."""
    with suppress(psutil.NoSuchProcess):
        return process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
    return True


def tree(who: Born) -> list[psutil.Process]:
    """A process and all that descend from it, the eldest first; empty where it is gone."""
    top = find(who)
    if top is None:
        return []
    with suppress(psutil.NoSuchProcess):
        return [top, *top.children(recursive=True)]
    return []


def marked(run_id: str) -> list[psutil.Process]:
    """Every process that carries the run's mark and whose environment we may read."""
    if not run_id:
        raise ValueError("a run has an id")
    return [process for process in psutil.process_iter() if _mark_of(process) == run_id and is_alive(process)]


def session(process: psutil.Process) -> int | None:
    """The number of a process' session; None where it is gone."""
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return None


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def send(processes: Iterable[psutil.Process], *signals: int) -> None:
    """Signal each that still lives; one that is gone meanwhile is what we wanted."""
    for process in processes:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            for number in signals:
                process.send_signal(number)
