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
    if account is None or all(closed_to_others(part) is None for part in _parts(server)):
        return server
    copy = _cached(server, spare)
    path = copy / server.path.relative_to(_root(server))
    return replace(server, path=path, why=f"{server.why}, copied to {copy} for {account.name}")


def _root(server: Server) -> Path:
    """The folder that holds the package that holds the installation that holds `bin/postgres`."""
    return server.path.parents[2].parent


def _parts(server: Server) -> list[Path]:
    """What must be copied; a wheel keeps the libraries that it brings in a folder beside its package."""
    installation, package = server.path.parents[1], server.path.parents[2]
    parts = [*(installation / part for part in NEEDED), package.parent / f"{package.name}.libs"]
    return [part for part in parts if part.exists()]  # Debian keeps its data elsewhere, open to all


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
        _copy(server, half)
        half.chmod(0o755)
        with suppress(OSError):  # somebody else was faster: theirs is as good
            half.rename(goal)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return goal


def _copy(server: Server, goal: Path) -> None:
    """Keep the parts where they lie to each other: binaries find their libraries and data by that."""
    for part in _parts(server):
        place = goal / part.relative_to(_root(server))
        place.parent.mkdir(parents=True, exist_ok=True)
        if part.is_dir():
            shutil.copytree(part, place)
        else:
            shutil.copy2(part, place)
    for path in (goal, *goal.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o044 | (0o011 if mode & stat.S_IXUSR else 0))
