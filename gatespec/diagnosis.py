"""What is wrong with a target file that can be read, or around it: every mistake, before anything is started."""

from __future__ import annotations

import difflib
import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.drivers.component import load_driver
from gatespec.drivers.people import GivenPeople
from gatespec.engine.known import load_known_failures
from gatespec.errors import GatespecError, usage
from gatespec.providers.dialects import DIALECTS
from gatespec.stack import health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from gatespec.target import CommandDoor, Target, UrlDoor, Users

PYTHON = "{python}"
PLACEHOLDERS = {"create": ("plan", "count"), "create_service": ("service_id", "scope")}
"""What a command of `[users]` must be told, or it makes something else than it is asked for."""


def diagnose(target: Target) -> Iterator[GatespecError]:
    """Tell of each mistake, in the order of the target file's keys."""
    yield from _names(target)
    if target.command:
        yield from _command(target, target.command)
    if target.url:
        yield from _url(target, target.url)
    if target.users:
        yield from _users(target, target.users)
    if target.component_driver:
        yield from _raised(lambda: load_driver(target))
    yield from _raised(lambda: load_known_failures(target))


def _raised(look: Callable[[], object]) -> Iterator[GatespecError]:
    try:
        look()
    except GatespecError as error:
        yield error


def _names(target: Target) -> Iterator[GatespecError]:
    """Names that the judge knows: of adapters and of settings."""
    for adapter in target.adapters:
        if adapter not in DIALECTS:
            yield _unknown("adapter-unknown", "adapters", adapter, DIALECTS)
    if not target.adapters and target.command:
        hint = 'adapters = ["lambda"] is the least: what is read from providers is read from that one'
        yield usage("adapters-none", "adapters: none is claimed, so nothing of the read path can be judged", hint=hint)
    given = {"settings": target.settings, "url.settings": target.url.settings if target.url else {}}
    for key, settings in given.items():
        for name in settings:
            if name not in load_catalogue().settings:
                yield _unknown("setting-unknown", key, name, load_catalogue().settings)
    for folder in target.python_path:
        if not (target.folder / folder).is_dir():
            yield _absent("python_path", target.folder / folder, "folder")


def _unknown(code: str, key: str, name: str, known: Iterable[str]) -> GatespecError:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "docs/guides/target-file.md says where the names are"
    return usage(code, f"{key}: there is no {name!r:.60}", hint=hint)


def _absent(key: str, path: Path, what: str = "file") -> GatespecError:
    return usage("path-missing", f"{key}: there is no {what} {path}", hint="paths are relative to the target file")


def _command(target: Target, door: CommandDoor) -> Iterator[GatespecError]:
    folder = target.folder / door.cwd
    if not folder.is_dir():
        yield _absent("command.cwd", folder, "folder")
        return
    yield from _program(folder, "command.argv", door.argv)
    for number, argv in enumerate(door.prepare):
        yield from _program(folder, f"command.prepare.{number}", argv)
    if (container := door.container) and container.dockerfile:
        if not (target.folder / container.dockerfile).is_file():
            yield _absent("command.container.dockerfile", target.folder / container.dockerfile)
        if not (target.folder / container.context).is_dir():
            yield _absent("command.container.context", target.folder / container.context, "folder")


def _program(folder: Path, key: str, argv: Sequence[str]) -> Iterator[GatespecError]:
    """Whether the first word can be run, as it would be: from PATH, or relative to the working folder."""
    name = argv[0]
    if name == PYTHON or not folder.is_dir():  # that the folder is not there is told of by itself
        return
    path = folder / name if "/" in name else None
    found = path.is_file() if path else shutil.which(name) is not None
    if not found:
        where = f"no file {path}" if path else f"no {name!r} on PATH"
        hint = f"name it by its path, relative to {folder}; {PYTHON} is the interpreter that runs the judge"
        yield usage("program-missing", f"{key}: there is {where}", hint=hint)
    elif path and not os.access(path, os.X_OK):
        yield usage("program-not-executable", f"{key}: {path} may not be executed", hint=f"chmod +x {path}")


def _users(target: Target, users: Users) -> Iterator[GatespecError]:
    folder = target.folder / (target.command.cwd if target.command else ".")
    for key, words in PLACEHOLDERS.items():
        argv: Sequence[str] = getattr(users, key) or ()
        if not argv:
            continue
        yield from _program(folder, f"users.{key}", argv)
        for word in words:
            if f"{{{word}}}" not in " ".join(argv):
                hint = f'put "{{{word}}}" where your command takes it'
                yield usage("placeholder-missing", f"users.{key}: {{{word}}} does not stand in it", hint=hint)


def _url(target: Target, door: UrlDoor) -> Iterator[GatespecError]:
    for url in dict.fromkeys(door.instances):
        yield from _raised(partial(health.reach, url))
    if len(set(door.instances)) < len(door.instances):
        hint = "name each instance once, or the one address of their balancer"
        yield usage("instance-twice", "url.instances: an address stands there twice", hint=hint)
    yield from _raised(lambda: GivenPeople(door, 0, target.folder))
    if door.token_command:
        yield from _program(target.folder, "url.token_command", door.token_command)
        if "{sub}" not in " ".join(door.token_command):
            hint = 'put "{sub}" where it takes the user: every story has people of its own'
            yield usage("placeholder-missing", "url.token_command: {sub} does not stand in it", hint=hint)
    if not door.credentials and not door.token_command and not door.forwarded_for:
        hint = "[[url.credentials]], token_command or forwarded_for; docs/guides/target-file.md"
        yield usage("nobody-to-ask-as", "url: the judge has nobody to ask as but itself, by its address", hint=hint)


def worst_of(found: Iterable[GatespecError]) -> int:
    """3 where the world is to blame for any, else 2 where the file is, else 0."""
    return max((int(error.exit_code) for error in found), default=0)
