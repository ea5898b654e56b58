"""What stands behind the stage: one stack per run, one lane per set of settings and needs, started when asked for."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from gatespec.checkers.limits import window_ms
from gatespec.drivers.component import InProcessGateway, load_driver
from gatespec.drivers.component_reads import InProcessReadGateway
from gatespec.drivers.http import HttpGateway, heard_by
from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.drivers.people import GivenPeople, MintedPeople
from gatespec.identities import Signer
from gatespec.ports import Untestable
from gatespec.stack.lane import Lane, Stack
from gatespec.stack.lane_secrets import Searched
from gatespec.target import UrlDoor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from gatespec.contract.watch import Watch
    from gatespec.drivers.people import People
    from gatespec.engine.chapter import Needs
    from gatespec.engine.plan import Progress, VerifyPlan
    from gatespec.ports import Binding, Tier
    from gatespec.target import Target
    from gatespec.verdict import Service

COMPONENT_INSTANCES = 2
InProcess = TypeVar("InProcess", InProcessGateway, InProcessReadGateway)

Wanted: TypeAlias = "tuple[Tier, Binding, frozenset[tuple[str, str]], Needs | None]"
"""What lanes differ in."""


@dataclass(frozen=True)
class Left:
    """What a lane was, and what the search of it found."""

    tier: Tier
    binding: Binding
    instances: int
    settings: Mapping[str, str]
    searched: Searched
    contract: Watch
    """What it answered, held against the document."""


class Backstage:
    """A context: leaving it ends every lane and the stack."""

    def __init__(self, plan: VerifyPlan, progress: Progress) -> None:
        self._plan = plan
        self._progress = progress
        self._ends = ExitStack()
        self._stack: Stack | None = None
        self._lanes: dict[Wanted, tuple[Lane, HttpGateway, ExitStack]] = {}
        self._left: list[Service] = []
        """What ran for lanes that were ended."""
        self._component_redis = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def component(self, settings: Mapping[str, str], *, on_redis: bool) -> InProcessGateway:
        """The target's own driver in process; the caller closes it."""
        return self._in_process(InProcessGateway, settings, on_redis=on_redis)

    def component_reads(self, settings: Mapping[str, str], *, on_redis: bool) -> InProcessReadGateway:
        """Its read path; the caller closes it. Raise `Untestable` where the driver has none."""
        return self._in_process(InProcessReadGateway, settings, on_redis=on_redis)

    def _in_process(self, kind: type[InProcess], settings: Mapping[str, str], *, on_redis: bool) -> InProcess:
        redis_url = self._redis_url() if on_redis else None
        make = load_driver(self._plan.target)
        return kind(make, settings=settings, instances=COMPONENT_INSTANCES, redis_url=redis_url)

    def wire(
        self, settings: Mapping[str, str], tier: Tier, needs: Needs | None = None, binding: Binding = "http"
    ) -> tuple[Lane, HttpGateway]:
        """A running gateway with these settings; where the target only gives a URL, with its own.

        With `needs` it is one whose read path is judged: a `ReadGateway`. Raise `Untestable` where it is to stand on a
        cluster and cannot.
        """
        wanted: Wanted = (tier, binding, frozenset(settings.items() if self._plan.target.command else ()), needs)
        if wanted not in self._lanes:
            ends = self._ends.enter_context(ExitStack())
            lane = ends.enter_context(self._open_lane(settings, needs, binding))
            gateway = _driver(lane, tier, reads=needs is not None)
            ends.callback(gateway.close)
            self._lanes[wanted] = lane, gateway, ends
        return self._lanes[wanted][:2]

    def end_lanes(self) -> list[Left]:
        """End every lane that nobody needs any more: its polls and probes would go on, and cost others their time.

        All that each left behind is searched for its secrets: while its stores still hold something, and when its
        processes have said their last.
        """
        left = [self._end(wanted, *held) for wanted, held in self._lanes.items()]
        self._lanes.clear()
        return left

    def _end(self, wanted: Wanted, lane: Lane, gateway: HttpGateway, ends: ExitStack) -> Left:
        self._left += lane.services
        searched = lane.secrets.search() if lane.secrets else Searched()
        lane.end_instances()
        if lane.secrets:
            last = lane.secrets.search(stores=False)
            searched.leaks += last.leaks
            searched.sizes.update(last.sizes)
        ends.close()
        return Left(wanted[0], wanted[1], gateway.instances, lane.settings, searched, gateway.contract)

    @property
    def services(self) -> tuple[Service, ...]:
        """Every server that really ran, each once."""
        found = list(self._stack.services) if self._stack else []
        found += [*self._left, *(service for lane, *_ in self._lanes.values() for service in lane.services)]
        return tuple(dict.fromkeys(found))

    def _open_lane(self, settings: Mapping[str, str], needs: Needs | None, binding: Binding) -> Lane:
        target, on_cluster = self._plan.target, binding == "cluster"
        if on_cluster and (reason := no_cluster(target)):
            raise Untestable(reason)
        if target.url:
            return Lane.start(target, settings={}, out=self._plan.out)
        shown = ", ".join(f"{name}={value}" for name, value in sorted(settings.items())) or "default settings"
        self._progress.stage(f"starting {target.name} with {shown}")
        stack = self._running_stack()
        count = self._plan.instances or (needs.instances if needs else None)
        return stack.lane(
            target,
            settings=settings,
            instances=count,
            needs=needs,
            on_cluster=on_cluster,
            progress=self._progress.stage,
        )

    def _running_stack(self) -> Stack:
        if self._stack is None:
            self._progress.stage("starting the stack")
            plan, say = self._plan, self._progress.stage
            started = Stack.start(plan.out, providers=plan.target.adapters, progress=say, runtime=plan.runtime)
            self._stack = self._ends.enter_context(started)
        return self._stack

    def _redis_url(self) -> str:
        if not self._component_redis:
            self._component_redis = self._ends.enter_context(self._running_stack().stores()).redis_url
        return self._component_redis


def _driver(lane: Lane, tier: Tier, *, reads: bool) -> HttpGateway:
    if reads:
        return HttpReadGateway(lane, people(lane), tier=tier)
    heard = heard_by(lane)
    return HttpGateway(lane.urls, people(lane), tier=tier, binding=lane.binding, alive=lane.alive, heard=heard)


def no_cluster(target: Target) -> str:
    """Why this target cannot be judged on a Redis Cluster; empty where it can."""
    if target.command is None:
        return "the gateway runs already: its Redis is not the judge's to choose"
    return "" if target.redis_cluster else "the target file says that it takes no redis+cluster:// (redis_cluster)"


def people(lane: Lane) -> People:
    """Who speaks on this lane: minted by the judge's key where it started the gateway, else lent."""
    rest_ms = window_ms(lane.settings)
    key = lane.signing
    if lane.target.url or key is None:
        return GivenPeople(lane.target.url or UrlDoor(instances=lane.urls), rest_ms, lane.target.folder)
    make_keys = lane.create_users if lane.target.users else None
    told = lane.secrets.canaries.add_token if lane.secrets else None
    return MintedPeople(Signer(key.private_key_file, key.issuer, key.audience, told), make_keys, rest_ms)
