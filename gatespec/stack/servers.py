"""The servers that lanes share, started together and ended together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Self

import psycopg

from gatespec.errors import unable
from gatespec.stack.external import External, ExternalPostgres, ExternalRedis, ExternalVault, load_external
from gatespec.stack.keys import make_signing_key
from gatespec.stack.nursery import Nursery
from gatespec.stack.postgres import PostgresServer
from gatespec.stack.redis import RedisServer
from gatespec.stack.redis_cluster import RedisCluster
from gatespec.stack.runtimes import ServersToStart
from gatespec.stack.simulators import Simulators
from gatespec.stack.vault import VaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from gatespec import verdict
    from gatespec.stack.runtimes import Runtime
    from gatespec.stack.service import Service
    from gatespec.stack.state import Purpose
    from gatespec.stack.vault_api import VaultShare

    Progress = Callable[[str], None]

PROVIDERS = ("lambda",)


@dataclass(frozen=True)
class Stores:
    """One lane's own share of the stack, empty: some database or cluster of Redis, a database, a mount in Vault."""

    number: int
    redis_url: str = field(repr=False)
    postgres_url: str = field(repr=False)
    vault: VaultShare
    cluster: RedisCluster | None = None
    """What `redis_url` leads to, where that is a cluster."""


class Servers:
    """Redis, PostgreSQL, Vault and the simulated providers, and the key that gateways on it trust.

    A context: leaving it ends all of it, and whatever else was started in its nursery.
    """

    def __init__(
        self,
        nursery: Nursery,
        providers: Sequence[str],
        *,
        simulators: str = "gatespec.providers",
        runtime: Runtime = "native",
    ) -> None:
        self.nursery = nursery
        self.runtime = runtime
        self.providers = tuple(providers) or PROVIDERS
        self.signing = make_signing_key(nursery.folder)
        self._start = ServersToStart(runtime)
        there = load_external() if runtime == "external" else External()
        self.redis = ExternalRedis(there.redis) if there.redis else RedisServer(nursery, self._start.redis)
        self.postgres = (
            ExternalPostgres(there.postgres) if there.postgres else PostgresServer(nursery, self._start.postgres)
        )
        self.vault = ExternalVault(there.vault) if there.vault else VaultServer(nursery, self._start.vault)
        self.simulators = Simulators(nursery, self.providers, module=simulators)
        self._clusters = count(1)
        self._vaults = count(1)
        self._numbers: set[int] = set()

    @classmethod
    def start(  # noqa: PLR0913 - what a stack is made of
        cls,
        out: Path,
        *,
        providers: Sequence[str] = (),
        purpose: Purpose = "verify",
        progress: Progress | None = None,
        simulators: str = "gatespec.providers",
        runtime: Runtime = "native",
    ) -> Self:
        """Start every server and wait until all serve; logs go to `out/logs`. Where one fails, nothing stays behind.

        `providers` are the simulated ones, each also the name of its adapter; `simulators` is the module that serves
        them.
        """
        with ExitStack() as undo:
            nursery = undo.enter_context(Nursery(purpose, out / "logs"))
            stack = cls(nursery, providers, simulators=simulators, runtime=runtime)
            for service in stack.started_first:
                say(progress, f"starting {service.name}")
                service.start()
            for service in stack.started_first:
                service.ready()
            stack.lend_all()
            undo.pop_all()
        return stack

    def lend_all(self) -> None:
        """Have as many lanes at a time as Redis has logical databases."""
        self._numbers = set(range(self.redis.databases))

    @property
    def started_first(self) -> tuple[Service, ...]:
        """What every lane needs. PostgreSQL comes last, as its files are made while the others already start."""
        return (self.redis, self.simulators, self.vault, self.postgres)

    @property
    def services(self) -> tuple[verdict.Service, ...]:
        """Every server that runs, and why that one."""
        return tuple(service.described() for service in self.started_first)

    @property
    def logs(self) -> dict[str, Path]:
        """The log of each server, by its name."""
        return {log.stem: log for service in self.started_first for log in service.logs}

    @contextmanager
    def stores(self) -> Iterator[Stores]:
        """Lend a number's stores. They are emptied before they are lent, as a drill may have left their server dead."""
        if not self._numbers:
            raise unable(
                "lanes-exhausted", f"a stack has stores for {self.redis.databases} lanes at a time, and all are lent"
            )
        number = min(self._numbers)
        self._numbers.remove(number)
        try:
            self.redis.empty(number)
            name = self._name_of(number)
            self.postgres.drop_database(name)
            database, vault = self.postgres.create_database(name), self.vault.share(name.replace("_", "-"))
            yield Stores(number, self.redis.url(number), database, vault)
        finally:
            self._numbers.add(number)
            self._take_back(number)

    def _name_of(self, number: int) -> str:
        """Of a lane's database and mount; where others use the servers too, nobody else's."""
        return f"gatespec_{self.nursery.id}_{number}" if self.runtime == "external" else f"lane_{number}"

    def _take_back(self, number: int) -> None:
        """Leave nothing in a server that goes on; our own forget everything when they end."""
        name = self._name_of(number)
        if isinstance(self.postgres, ExternalPostgres):
            with suppress(psycopg.Error):
                self.postgres.drop_database(name)
        if isinstance(self.vault, ExternalVault):
            self.vault.forget(name.replace("_", "-"))

    @contextmanager
    def clustered(self, stores: Stores, *, replicas: int = 0) -> Iterator[Stores]:
        """Lend the same stores with a Redis Cluster of their own: a cluster has no logical databases to share out."""
        # Never one name twice: what a node of this name knew of its cluster still lies in its folder.
        name = f"redis-cluster-{next(self._clusters)}"
        cluster = RedisCluster(self.nursery, self._start.redis, name, replicas=replicas)
        try:
            cluster.start()
            cluster.ready()
            yield replace(stores, redis_url=cluster.url, cluster=cluster)
        finally:
            cluster.stop()

    @contextmanager
    def own_vault(self, stores: Stores, token_s: int) -> Iterator[Stores]:
        """Lend the same stores with a Vault of their own, whose logins last for `token_s`: a seal is everybody's."""
        server = VaultServer(self.nursery, self._start.vault, f"vault-{next(self._vaults)}")
        try:
            server.start()
            server.ready()
            yield replace(stores, vault=server.share("secret", token_s=token_s))
        finally:
            server.stop()

    def stop(self) -> None:
        """End everything; the second call does nothing."""
        self.nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def say(progress: Progress | None, what: str) -> None:
    """Tell whoever watches what is done next."""
    if progress is not None:
        progress(what)
