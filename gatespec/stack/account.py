"""Whom a server runs as where we are root: PostgreSQL refuses to be root, and is right."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.errors import unable

if TYPE_CHECKING:
    from pathlib import Path

NAME = "nobody"
"""Exists on every Unix and owns nothing."""


@dataclass(frozen=True)
class Account:
    """A user and its group, by number."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account for servers that must not be root; None where we are an ordinary user ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError as error:
        raise unable(
            "account-missing",
            f"PostgreSQL does not run as root, and there is no user {NAME!r} to run it as",
            hint="run as an ordinary user",
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def closed_to_others(path: Path) -> Path | None:
    """The outermost folder above `path`, or `path` itself, that another user may not enter; None: the way is open."""
    path = path.resolve()
    ways = (*reversed(path.parents), path)
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)
