"""A copy of PostgreSQL where another user can reach it: wheels under /root are closed to everyone else."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from gatespec.stack.account import closed_to_others

if TYPE_CHECKING:
    from gatespec.stack.account import Account
    from gatespec.stack.finder import Server

NEEDED = ("bin/postgres", "bin/initdb", "lib", "share")
"""What a server needs of an installation; the rest is clients and headers."""


def usable_by(account: Account | None, server: Server, spare: Path) -> Server:
    """The same server where `account` may run it: as it lies, or copied once into a cache (or into `spare`)."""
    if account is None or closed_to_others(server.path) is None:
        return server
    copy = _cached(server, spare)
    return replace(
        server, path=copy / "bin" / server.path.name, why=f"{server.why}, copied to {copy} for {account.name}"
    )


def cache_dir() -> Path:
    """What outlives a run and others may read; `GATESPEC_CACHE_DIR` names another."""
    named = os.environ.get("GATESPEC_CACHE_DIR")
    return Path(named) if named else platformdirs.site_cache_path("gatespec")


def _cached(server: Server, spare: Path) -> Path:
    for folder in (cache_dir(), spare):
        with suppress(OSError):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            if _trusted(folder):
                return _copied(server, folder)
    return _copied(server, spare)


def _trusted(folder: Path) -> bool:
    """Ours, open to the server's user, and writable by nobody else, who might otherwise put a binary there."""
    found = folder.stat()
    others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == os.geteuid() and not others_write and closed_to_others(folder) is None


def _copied(server: Server, folder: Path) -> Path:
    """One copy per version and build; whole or not there: it gets its name when it is complete."""
    build = server.path.stat()
    goal = folder / f"postgresql-{server.version}-{build.st_size:x}-{int(build.st_mtime):x}"
    if goal.is_dir():
        return goal
    half = Path(tempfile.mkdtemp(prefix=".copying-", dir=folder))
    try:
        _copy(server.path.parent.parent, half)
        half.chmod(0o755)
        with suppress(OSError):  # somebody else was faster: theirs is as good
            half.rename(goal)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return goal


def _copy(source: Path, goal: Path) -> None:
    for part in NEEDED:
        (goal / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, goal / part)
        else:
            shutil.copy2(source / part, goal / part)
    for path in (goal, *goal.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
