"""A lane: one gateway to judge, with stores of its own on a stack that other lanes share."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from gatespec import verdict
from gatespec.catalogue import load_catalogue
from gatespec.errors import unable
from gatespec.hand_tables import shape_of
from gatespec.ports import Untestable
from gatespec.read_ports import PLAIN
from gatespec.secrecy.answers import AnswerLog
from gatespec.stack import health
from gatespec.stack.fault_lines import fault_lines
from gatespec.stack.gateway import Deployment
from gatespec.stack.ground import PROVIDERS_FILE, Ground
from gatespec.stack.lane_secrets import LaneSecrets
from gatespec.stack.pool import ProviderPool
from gatespec.stack.servers import Servers, say
from gatespec.stack.vault import VaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from gatespec.engine.chapter import Needs
    from gatespec.ports import Binding
    from gatespec.stack.fault_lines import FaultLines
    from gatespec.stack.gateway import GatewayInstance
    from gatespec.stack.keys import SigningKey
    from gatespec.stack.redis_cluster import RedisCluster
    from gatespec.stack.runtimes import Runtime
    from gatespec.stack.servers import Progress, Stores
    from gatespec.stack.vault_api import VaultShare
    from gatespec.target import Target

TRUSTED_PROXIES = {"GATEWAY_TRUSTED_PROXIES": "127.0.0.0/8"}
"""The judge speaks for other addresses through `X-Forwarded-For`."""


_LANES = count(1)
"""No two lanes of a process have one file."""


class Stack(Servers):
    """The servers of one run, and the lanes on them."""

    def lane(  # noqa: PLR0913 - what a gateway is started with
        self,
        target: Target,
        *,
        settings: Mapping[str, str],
        instances: int | None = None,
        ports: Sequence[int] = (),
        needs: Needs | None = None,
        on_cluster: bool = False,
        progress: Progress | None = None,
    ) -> Lane:
        """Start a gateway with stores of its own; instance n listens on the n-th of `ports`, or on a free one.

        `settings` are the contract's names and values; `instances` is the target file's number unless given; `needs`
        are what a chapter of the read path asks for: a pool of providers, stores that can be made to fail. With
        `on_cluster` its Redis is a cluster of its own.
        """
        with ExitStack() as ends:
            stores = ends.enter_context(self.stores())
            if on_cluster:
                say(progress, "starting redis-cluster")
                stores = ends.enter_context(self.clustered(stores, replicas=needs.redis_replicas if needs else 0))
            if needs and needs.vault_token_s:
                say(progress, "starting a vault of its own")
                stores = ends.enter_context(self.own_vault(stores, needs.vault_token_s))
            fails = needs and (needs.store_faults or needs.vault_token_s)
            lines = ends.enter_context(fault_lines(self, stores)) if fails else None
            pool = self._pool(needs) if needs else None
            given = lines.stores if lines else stores
            secrets = ends.enter_context(self._secrets(stores))
            ground = Ground(self, stores, self._deployment(target, given, settings), lines, pool, secrets)
            ground.declare_providers()
            say(progress, f"preparing {target.name}")
            ground.deployment.prepare()
            count = instances or ground.deployment.door.instances
            say(progress, f"starting {count} x {target.name}")
            wanted = (*ports, *[None] * count)[:count]
            running = ends.enter_context(ground.deployment.serving(wanted))
            lane = Lane(target, [instance.url for instance in running], {**TRUSTED_PROXIES, **settings})
            return lane.started_on(ground, running, ends.pop_all())

    def _pool(self, needs: Needs) -> ProviderPool:
        shapes = [shape_of(adapter) for adapter in self.providers] if needs.each_adapter else []
        claimed = {shape: needs.each_polled if shape.poll_s else needs.each_adapter for shape in shapes}
        counts = {PLAIN: needs.providers, **claimed, **dict(needs.shapes)}
        wanted = {shape.adapter for shape, count in counts.items() if count}
        if missing := sorted(wanted - set(self.providers)):
            raise Untestable(
                f"the target claims no adapter {missing[0]!r}, so there are no providers that it could read"
            )
        return ProviderPool(self.simulators.enlist, counts)

    @contextmanager
    def _secrets(self, stores: Stores) -> Iterator[LaneSecrets]:
        """What is secret on a lane from the beginning, and a file for its answers that ends with it."""
        answers = AnswerLog(self.nursery.folder / f"answers-{stores.number}-{next(_LANES)}")
        nodes = [f"redis://{node.address}" for node in stores.cluster.nodes] if stores.cluster else [stores.redis_url]
        secrets = LaneSecrets(answers, redis_urls=nodes, postgres_url=stores.postgres_url)
        secrets.add_urls(*nodes, stores.postgres_url)
        secrets.add_key(self.signing.private_key_file)
        secrets.canaries.add("vault-secret-id", stores.vault.secret_id)
        try:
            yield secrets
        finally:
            answers.close()

    def _deployment(self, target: Target, stores: Stores, settings: Mapping[str, str]) -> Deployment:
        name = f"gateway-{stores.number}"
        given = {
            "GATEWAY_DATABASE_URL": stores.postgres_url,
            "GATEWAY_REDIS_URL": stores.redis_url,
            PROVIDERS_FILE: str(self.nursery.folder / f"{name}-providers.toml"),
            **stores.vault.settings(),
            **self.signing.settings(),
            **TRUSTED_PROXIES,
        }
        return Deployment(self.nursery, target, name, {**given, **settings}, self.runtime == "containers")


class Lane:
    """A gateway that is ready to be judged; a context: leaving it ends what it started."""

    def __init__(self, target: Target, urls: Sequence[str], settings: Mapping[str, str]) -> None:
        self.target = target
        self.urls = list(urls)
        self.settings: Mapping[str, str] = {**load_catalogue().defaults(), **settings}
        """The contract's settings in effect, but for addresses and paths of this run: some hold passwords."""
        self.instances: tuple[GatewayInstance, ...] = ()
        """Its processes, in the order of `urls`; none with the door `url`."""
        self._ground: Ground | None = None
        self._ends = ExitStack()

    @classmethod
    def start(  # noqa: PLR0913 - what a gateway is started with
        cls,
        target: Target,
        *,
        settings: Mapping[str, str],
        out: Path,
        instances: int | None = None,
        progress: Progress | None = None,
        runtime: Runtime = "native",
    ) -> Lane:
        """Start a lane on a stack of its own; with the door `url` start nothing, and look that all of it is ready."""
        if target.url is not None:
            for url in target.url.instances:
                health.reach(url)
            return cls(target, target.url.instances, target.url.settings)
        with ExitStack() as ends:
            stack = ends.enter_context(Stack.start(out, providers=target.adapters, progress=progress, runtime=runtime))
            lane = stack.lane(target, settings=settings, instances=instances, progress=progress)
            lane.stop_also(ends.pop_all())
            return lane

    @property
    def secrets(self) -> LaneSecrets | None:
        """What is secret on it, and where it may leak; None with the door `url`."""
        return self._ground.secrets if self._ground else None

    def house_credential(self, provider: str) -> Mapping[str, str]:
        """The house's first credential for a provider, as it lies in Vault."""
        if self._ground is None:
            raise ValueError("this gateway was not started here")
        return self._ground.house[provider]

    @property
    def stack(self) -> Servers | None:
        """What it runs on; None with the door `url`."""
        return self._ground.stack if self._ground else None

    @property
    def redis_url(self) -> str | None:
        """Its Redis, password included; None with the door `url`."""
        return self._ground.stores.redis_url if self._ground else None

    @property
    def cluster(self) -> RedisCluster | None:
        """Its Redis where that is a cluster."""
        return self._ground.stores.cluster if self._ground else None

    @property
    def binding(self) -> Binding:
        """What its gateway's Redis is."""
        return "cluster" if self.cluster else "http"

    @property
    def postgres_url(self) -> str | None:
        """Its database, password included; None with the door `url`."""
        return self._ground.stores.postgres_url if self._ground else None

    @property
    def vault(self) -> VaultShare | None:
        """Its part of a Vault; None with the door `url`."""
        return self._ground.stores.vault if self._ground else None

    @property
    def vault_is_its_own(self) -> bool:
        """Whether no other lane uses its Vault: then it may be sealed."""
        return self._own_vault is not None

    @property
    def _own_vault(self) -> VaultServer | None:
        """Its Vault where no other lane uses it."""
        server = self._ground.stores.vault.server if self._ground else None
        shared = self._ground.stack.vault if self._ground else None
        return server if isinstance(server, VaultServer) and server is not shared else None

    @property
    def lines(self) -> FaultLines | None:
        """What can be broken between the gateway and its stores; None where nothing stands between them."""
        return self._ground.lines if self._ground else None

    @property
    def pool(self) -> ProviderPool | None:
        """Providers that were never read; None where nobody asked for any."""
        return self._ground.pool if self._ground else None

    @property
    def plain_provider(self) -> str | None:
        """A provider that any story may read, where the whole list would be hundreds of calls; None where it is not."""
        return PLAIN.adapter if self.pool else None

    @property
    def simulators_url(self) -> str | None:
        """Where the simulated providers and their control port are; None with the door `url`."""
        return self._ground.stack.simulators.url if self._ground else None

    @property
    def signing(self) -> SigningKey | None:
        """The judge's key that this gateway trusts; None with the door `url`."""
        return self._ground.stack.signing if self._ground else None

    @property
    def services(self) -> tuple[verdict.Service, ...]:
        """Every server that runs for this lane, and why that one."""
        if self._ground is None:
            return tuple(verdict.Service("Gateway", self.target.name, "", "already running", url) for url in self.urls)
        own = (self.cluster, self._own_vault, self.lines.proxy if self.lines else None, *self.instances)
        return (*self._ground.stack.services, *(service.described() for service in own if service))

    @property
    def logs(self) -> dict[str, Path]:
        """The log of each process, by its name; none with the door `url`."""
        nodes = self.cluster.nodes if self.cluster else ()
        beside = (self._own_vault, self.lines.proxy if self.lines else None)
        services = [*self.instances, *nodes, *filter(None, beside)]
        own = {service.name: service.logs[0] for service in services}
        return {**self._ground.stack.logs, **own} if self._ground else own

    def restart(self, *places: int) -> None:
        """Start these instances again, each where it was, and wait until they are ready."""
        if self._ground is None:
            raise ValueError("this gateway was not started here")
        self._ground.deployment.restart([self.instances[place] for place in places])

    def renew_pool(self) -> None:
        """Have as many providers that nobody read, and start the gateway again, where it was, so that it knows them."""
        if self._ground is None or self._ground.pool is None:
            raise ValueError("this lane has no pool")
        self._ground.renew_pool(self._ground.pool)
        self.restart(*range(len(self.instances)))

    def create_users(self, plan: str, count: int) -> list[dict[str, Any]]:
        """Have the gateway make users with API keys; raise `Untestable` where the judge has no way to ask for them."""
        if self.target.users is None or self._ground is None:
            raise Untestable(f"{self.target.name} has no [users] create that the judge can run")
        users = self._ground.deployment.create_users(plan, count)
        for user in users:
            self._know(user)
        return users

    def create_service(self, scope: str = "operate") -> dict[str, Any] | None:
        """Have the gateway make a service; None where the judge has no way to ask for one."""
        users = self.target.users
        if users is None or users.create_service is None or self._ground is None:
            return None
        made = self._ground.deployment.create_service(users.create_service, f"gatespec-{next(_LANES)}", scope)
        if self.secrets:
            self.secrets.canaries.add_theirs("service-secret", str(made["secret"]))
        return made

    def _know(self, user: Mapping[str, Any]) -> None:
        if self.secrets:
            for kind in ("api_key", "password"):
                if kind in user:
                    self.secrets.canaries.add_theirs(kind.replace("_", "-"), str(user[kind]))

    def alive(self) -> None:
        """Raise `unable` where an instance died or is not ready any more."""
        for instance in self.instances:
            if not instance.alive:
                died = f"{instance.name} died{instance.how_it_ended}"
                raise unable("target-dead", died, tried=f"the end of its log:\n{instance.tail()}")
        for url in self.urls:
            said = health.look(url)
            if said != health.OK:
                tried = f"GET {health.READY_PATH}; it said: {said}"
                raise unable("target-dead", f"the gateway at {url} is not ready any more", tried=tried)

    def end_instances(self) -> None:
        """End its gateway alone, in good order: what it stands on is looked at once more."""
        if self._ground:
            running = [child for instance in self.instances if (child := instance.child)]
            self._ground.deployment.nursery.end(running)

    def stop(self) -> None:
        """End what was started for it; the second call does nothing."""
        self._ends.close()

    def started_on(self, ground: Ground, instances: tuple[GatewayInstance, ...], ends: ExitStack) -> Self:
        """Note what it stands on, and own how that ends."""
        self._ground, self.instances, self._ends = ground, instances, ends
        if ground.secrets:
            ground.secrets.urls = self.urls
            ground.secrets.logs = lambda: {instance.name: log for instance in instances for log in instance.logs}
        return self

    def stop_also(self, later: ExitStack) -> None:
        """Have `stop` end this too, when its own things have ended."""
        own, self._ends = self._ends, ExitStack()
        self._ends.push(later)
        self._ends.push(own)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
