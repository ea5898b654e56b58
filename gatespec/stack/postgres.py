"""PostgreSQL: a fresh cluster per stack, a password of its own, TCP on the loopback address only."""

from __future__ import annotations

import os
import secrets
import signal
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from gatespec import verdict
from gatespec.stack.account import unprivileged
from gatespec.stack.environment import base_environment
from gatespec.stack.installation import usable_by
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.stack.finder import Server
    from gatespec.stack.nursery import Nursery

OWNER = "gatespec"
INITDB_S = 120.0
"""A second on a quiet machine."""
ANSWER_S = 2
"""How long one look whether it is ready may take; libpq counts whole seconds, and takes 1 for 2."""
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    # The data dies with the stack, and no drill cuts the machine's power: what the server wrote survives its kill -9 in
    # the kernel's page cache. `synchronous_commit` stays on, as without it a killed server forgets what it promised.
    "fsync": "off",
    "full_page_writes": "off",
    # A small /dev/shm (64 MB in a container) is no limit, and a killed server leaves nothing there.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresApi(ABC):
    """What the judge asks of any PostgreSQL that lanes share."""

    @abstractmethod
    def url(self, database: str = "postgres") -> str:
        """Where clients connect, with the password; never to be logged."""

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self._administer("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Delete a database, and end whoever is still connected to it."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def connect(self) -> psycopg.Connection[Any]:
        """As whoever may do everything; raises what psycopg raises."""
        return psycopg.connect(self.url(), autocommit=True, connect_timeout=ANSWER_S)

    def _administer(self, statement: LiteralString, database: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(database)))


class PostgresServer(NativeService, PostgresApi):
    """A server whose data outlives its kill, not its stack."""

    def __init__(self, nursery: Nursery, server: Server, *, port: int | None = None) -> None:
        super().__init__(nursery, "postgres", port=port)
        self._server = server
        self._account = unprivileged()
        self._password = secrets.token_urlsafe(24)
        self._data = nursery.room(self.name) / "data"

    def url(self, database: str = "postgres") -> str:
        """Where clients connect, with the password; never to be logged."""
        return f"postgresql://{OWNER}:{self._password}@{self.address}/{database}"

    def start(self) -> None:
        """Make the cluster if there is none yet, then begin."""
        if not self._data.exists():
            if not self._server.image:
                self._server = usable_by(self._account, self._server, self._nursery.folder)
            self._initialise()
        super().start()

    def described(self) -> verdict.Service:
        """Server, version, why, address without the password."""
        found = self._server
        return verdict.Service(found.role, found.name, found.version, found.why, self.address)

    def _initialise(self) -> None:
        room = self._data.parent
        password = room / "password"
        password.touch(mode=0o600)
        password.write_text(self._password, encoding="utf-8")
        self._hand_over(room, password)
        argv = ("-D", str(self._data), "-U", OWNER, f"--pwfile={password}", "--auth=scram-sha-256")
        options = ("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
        initdb = self._server.path.with_name("initdb")
        words, image = (str(initdb), *argv, *options), self._server.image
        command = Command("postgres-initdb", words, room, base_environment(), self._account, image=image)
        self._nursery.run(command, at_most_s=INITDB_S)
        password.unlink()

    def _hand_over(self, *paths: Path) -> None:
        if self._account:
            for path in paths:
                os.chown(path, self._account.uid, self._account.gid)

    def _command(self, port: int) -> Command:
        settings = {**SETTINGS, "port": str(port)}
        options = tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
        argv = (str(self._server.path), "-D", str(self._data), *options)
        # SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for its clients to leave.
        room, image = self._data.parent, self._server.image
        return Command(self.name, argv, room, base_environment(), self._account, signal.SIGINT, image)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True
