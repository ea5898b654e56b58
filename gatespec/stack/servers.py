"""The servers that lanes share, started together and ended together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Self

from gatespec.errors import unable
from gatespec.stack.finder import chosen, find_postgres, find_redis, find_vault
from gatespec.stack.keys import make_signing_key
from gatespec.stack.nursery import Nursery
from gatespec.stack.postgres import PostgresServer
from gatespec.stack.redis import DATABASES, RedisServer
from gatespec.stack.redis_cluster import RedisCluster
from gatespec.stack.simulators import Simulators
from gatespec.stack.vault import VaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from gatespec import verdict
    from gatespec.stack.service import Service
    from gatespec.stack.state import Purpose
    from gatespec.stack.vault import VaultShare

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

    def __init__(self, nursery: Nursery, providers: Sequence[str], *, simulators: str = "gatespec.providers") -> None:
        self.nursery = nursery
        self.providers = tuple(providers) or PROVIDERS
        self.signing = make_signing_key(nursery.folder)
        self._redis_server = chosen(find_redis())
        self.redis = RedisServer(nursery, self._redis_server)
        self.postgres = PostgresServer(nursery, chosen(find_postgres()))
        self._vault_server = chosen(find_vault())
        self.vault = VaultServer(nursery, self._vault_server)
        self.simulators = Simulators(nursery, self.providers, module=simulators)
        self._clusters = count(1)
        self._vaults = count(1)
        self._numbers = set(range(DATABASES))

    @classmethod
    def start(
        cls,
        out: Path,
        *,
        providers: Sequence[str] = (),
        purpose: Purpose = "verify",
        progress: Progress | None = None,
        simulators: str = "gatespec.providers",
    ) -> Self:
        """Start every server and wait until all serve; logs go to `out/logs`. Where one fails, nothing stays behind.

        `providers` are the simulated ones, each also the name of its adapter; `simulators` is the module that serves
        them.
        """
        with ExitStack() as undo:
            nursery = undo.enter_context(Nursery(purpose, out / "logs"))
            stack = cls(nursery, providers, simulators=simulators)
            for service in stack.started_first:
                say(progress, f"starting {service.name}")
                service.start()
            for service in stack.started_first:
                service.ready()
            undo.pop_all()
        return stack

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
            raise unable("lanes-exhausted", f"a stack has stores for {DATABASES} lanes at a time, and all are lent")
        number = min(self._numbers)
        self._numbers.remove(number)
        try:
            self.redis.empty(number)
            name = f"lane_{number}"
            self.postgres.drop_database(name)
            database, vault = self.postgres.create_database(name), self.vault.share(name.replace("_", "-"))
            yield Stores(number, self.redis.url(number), database, vault)
        finally:
            self._numbers.add(number)

    @contextmanager
    def clustered(self, stores: Stores, *, replicas: int = 0) -> Iterator[Stores]:
        """Lend the same stores with a Redis Cluster of their own: a cluster has no logical databases to share out."""
        # Never one name twice: what a node of this name knew of its cluster still lies in its folder.
        name = f"redis-cluster-{next(self._clusters)}"
        cluster = RedisCluster(self.nursery, self._redis_server, name, replicas=replicas)
        try:
            cluster.start()
            cluster.ready()
            yield replace(stores, redis_url=cluster.url, cluster=cluster)
        finally:
            cluster.stop()

    @contextmanager
    def own_vault(self, stores: Stores, token_s: int) -> Iterator[Stores]:
        """Lend the same stores with a Vault of their own, whose logins last for `token_s`: a seal is everybody's."""
        server = VaultServer(self.nursery, self._vault_server, f"vault-{next(self._vaults)}")
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
