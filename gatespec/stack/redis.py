"""One Redis (or Valkey): everything in memory, a password of its own, nothing left on disk."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import redis

from gatespec import verdict
from gatespec.stack.environment import base_environment
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatespec.stack.finder import Server
    from gatespec.stack.nursery import Nursery

DATABASES = 64
"""Logical databases: one for each lane of a run, so that lanes share a server and never a key."""
ANSWER_S = 1.0
"""How long one look whether it is ready may take."""


class RedisApi(ABC):
    """What the judge asks of any Redis that lanes share."""

    databases: int
    """Logical databases: lanes that it serves at a time."""

    @abstractmethod
    def url(self, database: int = 0) -> str:
        """Where clients connect, with the password; never to be logged."""

    def empty(self, database: int) -> None:
        """Delete every key of one logical database."""
        with redis.Redis.from_url(self.url(database), socket_timeout=ANSWER_S * 10) as client:
            client.flushdb()


class RedisServer(NativeService, RedisApi):
    """A single server; after a kill it comes back empty, as a cache does."""

    databases = DATABASES

    def __init__(self, nursery: Nursery, server: Server, *, port: int | None = None) -> None:
        super().__init__(nursery, "redis", port=port)
        self._server = server
        self._password = secrets.token_urlsafe(24)

    def url(self, database: int = 0) -> str:
        """Where clients connect, with the password; never to be logged."""
        return f"redis://:{self._password}@{self.address}/{database}"

    def described(self) -> verdict.Service:
        """Server, version, why, address without the password."""
        found = self._server
        return verdict.Service(found.role, found.name, found.version, found.why, self.address)

    def _command(self, port: int) -> Command:
        config = {**in_memory(port), "databases": str(DATABASES), "requirepass": self._password}
        return redis_command(self._server, self.name, self._nursery.room(self.name), config)

    def _answers(self) -> bool:
        return pings(self.url())


def in_memory(port: int) -> dict[str, str]:
    """Settings of a server on the loopback address that keeps nothing."""
    return {
        "port": str(port),
        "bind": LOOPBACK,
        "protected-mode": "yes",
        "save": '""',
        "appendonly": "no",
        "logfile": '""',
        "daemonize": "no",
        # Its title would overwrite the environment that the kernel shows, and the run's mark with it.
        "set-proc-title": "no",
    }


def redis_command(server: Server, name: str, room: Path, config: Mapping[str, str]) -> Command:
    """A start from a file, as arguments (and with them the password) show in every process list."""
    file = room / "redis.conf"
    file.touch(mode=0o600)
    file.write_text("".join(f"{key} {value}\n" for key, value in config.items()), encoding="utf-8")
    return Command(name, (str(server.path), str(file)), room, base_environment(), image=server.image)


def pings(url: str) -> bool:
    """Whether a server answers there, to this password."""
    try:
        with redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=None) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
