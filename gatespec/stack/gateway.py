"""The door `command`: a gateway that the judge starts, one process per instance."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from gatespec import verdict
from gatespec.errors import GatespecError, unable
from gatespec.stack import born, images
from gatespec.stack.environment import base_environment
from gatespec.stack.health import answers
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gatespec.stack.nursery import Nursery
    from gatespec.target import CommandDoor, ContainerDoor, Target

Told = TypeVar("Told")

PREPARE_S = 120.0
"""How long one step of `prepare` may take: migrations of an empty database."""
USERS_S = 60.0
"""How long making users may take: one process start and a slow password hash per user."""


@dataclass(frozen=True)
class Deployment:
    """A gateway that is to run: its target file's door, a name for its processes, and what they are told."""

    nursery: Nursery
    target: Target
    name: str
    settings: Mapping[str, str] = field(repr=False)
    """The contract's names and values, passwords included."""
    contained: bool = False
    """Whether it is to run in containers, if it can."""

    @property
    def container(self) -> ContainerDoor | None:
        """The image that it runs from; None where it is a child process."""
        return self.door.container if self.contained else None

    @property
    def door(self) -> CommandDoor:
        """The command door; a target without one is not started by us."""
        if self.target.command is None:
            raise ValueError(f"{self.target.name} has no door of type command")
        return self.target.command

    def command(
        self, name: str, argv: Sequence[str], *, more: Mapping[str, str] | None = None, **words: str
    ) -> Command:
        """A command of the target file: placeholders filled in, settings under the gateway's own names."""
        settings = {**self.settings, **(more or {})}
        own = {self.target.settings.get(setting, setting): value for setting, value in settings.items()}
        folder = (self.target.folder / self.door.cwd).resolve()
        python = self.container.python if self.container else sys.executable
        filled = tuple(rendered(word, {"python": python, **words}) for word in argv)
        env = {**base_environment(), **self.door.env, **own}
        return Command(f"{self.name}-{name}", filled, folder, env, image=self.container.image if self.container else "")

    def prepare(self) -> None:
        """Run each step of `prepare` once, in order; raise `unable` with the end of its log where one fails."""
        if self.container:
            self._build(self.container)
        for number, argv in enumerate(self.door.prepare, 1):
            self.nursery.run(self.command(f"prepare-{number}", argv), at_most_s=PREPARE_S)

    def _build(self, door: ContainerDoor) -> None:
        if door.dockerfile:
            folder, log = self.target.folder, self.nursery.log_of("image")
            images.build(door.image, folder / door.dockerfile, folder / door.context, log)

    @contextmanager
    def serving(self, ports: Sequence[int | None]) -> Iterator[tuple[GatewayInstance, ...]]:
        """Run one instance per port (None: any free one), all ready; end them side by side."""
        instances = tuple(GatewayInstance(self, number, port) for number, port in enumerate(ports, 1))
        try:
            for instance in instances:
                instance.start()
            for instance in instances:
                instance.ready()
            yield instances
        finally:
            self.nursery.end([child for instance in instances if (child := instance.child)])

    def restart(self, instances: Sequence[GatewayInstance]) -> None:
        """End those that run, in good order, and start all again where they were: who knows an address finds it."""
        self.nursery.end([child for instance in instances if (child := instance.child)])
        before = [instance.url for instance in instances]
        for instance in instances:
            instance.start()
        for instance in instances:
            instance.ready()
        if moved := [url for url, instance in zip(before, instances, strict=True) if instance.url != url]:
            message = f"the gateway at {moved[0]} could not come back there: somebody took its port meanwhile"
            raise unable("port-lost", message, hint="run it again")

    def create_users(self, plan: str, count: int) -> list[dict[str, Any]]:
        """Have the gateway make users; each has at least `user_id` and `api_key`. The keys touch no log."""
        if self.target.users is None:
            raise ValueError(f"{self.target.name} says no [users] create")
        command = self.command("users", self.target.users.create, plan=plan, count=str(count))
        return self._told(command, lambda output: _users(output, count))

    def create_service(self, argv: Sequence[str], service_id: str, scope: str) -> dict[str, Any]:
        """Have the gateway make a service; its secret touches no log."""
        command = self.command("service", argv, service_id=service_id, scope=scope)
        return self._told(command, _service)

    def _told(self, command: Command, read: Callable[[Path], Told]) -> Told:
        """Run a command whose output nobody else may read, and read it."""
        output = self.nursery.folder / f"{command.name}.jsonl"
        output.touch(mode=0o600)
        try:
            self.nursery.run(command, at_most_s=USERS_S, output=output)
            return read(output)
        finally:
            output.unlink()


class GatewayInstance(NativeService):
    """One process of the gateway."""

    def __init__(self, deployment: Deployment, number: int, port: int | None = None) -> None:
        super().__init__(deployment.nursery, f"{deployment.name}-{number}", port=port)
        self._deployment = deployment
        self._number = str(number)
        self.ready_s = deployment.door.ready_s

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{self.address}"

    @property
    def local_ports(self) -> frozenset[int]:
        """Its own ends of the TCP connections that it and its children hold now."""
        held = [c for process in born.tree(self._started().born) for c in _connections(process)]
        return frozenset(connection.laddr.port for connection in held)

    def described(self) -> verdict.Service:
        """The gateway as its target file names it."""
        container = self._deployment.container
        why = f"started by the judge from the image {container.image}" if container else "started by the judge"
        return verdict.Service("Gateway", self._deployment.target.name, "", why, self.address)

    def _command(self, port: int) -> Command:
        listen = {"GATEWAY_LISTEN": f"{LOOPBACK}:{port}"}
        return self._deployment.command(self._number, self._deployment.door.argv, more=listen)

    def _answers(self) -> bool:
        return answers(self.url)


def _connections(process: psutil.Process) -> list[Any]:
    """None where it is gone meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return list(process.net_connections("tcp"))
    return []


def rendered(word: str, words: Mapping[str, str]) -> str:
    """Fill in the placeholders of `words`; other braces (JSON, say) stay as they are."""
    for placeholder, value in words.items():
        word = word.replace("{" + placeholder + "}", value)
    return word


def _service(output: Path) -> dict[str, Any]:
    try:
        made: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        if {"service_id", "secret"} <= made.keys():
            return made
    except (ValueError, AttributeError):
        pass
    # What it printed is not shown: there may be a secret in it.
    hint = 'one JSON object and nothing else: {"service_id": "...", "secret": "..."}'
    raise unable("service-malformed", "[users] create_service printed no service", hint=hint)


def _users(output: Path, count: int) -> list[dict[str, Any]]:
    lines = [line for line in output.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        users: list[dict[str, Any]] = [json.loads(line) for line in lines]
        if len(users) == count and all({"user_id", "api_key"} <= user.keys() for user in users):
            return users
    except (ValueError, AttributeError):
        pass
    raise _not_users(len(lines), count)


def _not_users(found: int, count: int) -> GatespecError:
    # What it printed is not shown: there may be keys in it.
    return unable(
        "users-malformed",
        f"[users] create printed {found} lines that are not {count} users",
        hint='one JSON object a line, and nothing else: {"user_id": "...", "plan": "...", "api_key": "..."}',
    )
