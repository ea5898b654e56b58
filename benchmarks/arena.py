"""The gateway and its baselines, running side by side, and the loads that they are put under."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import psutil

from benchmarks.books import Account
from benchmarks.contenders import Baseline
from benchmarks.contest import BASELINES, GATEWAY, PATH, WORKLOADS, Round
from benchmarks.load import Generator, find_k6
from benchmarks.memory import weigh
from benchmarks.readings import GatewayBooks
from benchmarks.sample import take_sample
from gatespec.errors import unable
from gatespec.identities import Signer
from gatespec.stack.native import NativeService

if TYPE_CHECKING:
    from benchmarks.books import Books
    from benchmarks.contest import Load, Workload
    from benchmarks.memory import Weight
    from gatespec.stack.lane import Lane
    from gatespec.stack.servers import Servers
    from gatespec.stack.service import Service

IDENTITIES = max(workload.identities for workload in WORKLOADS)
WARM_UP = max(WORKLOADS, key=lambda workload: workload.identities)
WARM_UP_S = 1.0
"""Every token is verified once, every connection pool filled; what comes later is the steady state."""


@dataclass
class Arena:
    """Everything that runs during the loads, and all that was counted."""

    stack: Servers
    lane: Lane
    generator: Generator
    accounts: GatewayBooks
    baselines: dict[str, Baseline] = field(default_factory=dict)
    books: list[Books] = field(default_factory=list)
    """The gateway's, one for each load."""

    def load(self, workload: Workload, contender: str, number: int, seconds: float) -> Round:
        """Load one contender and keep all accounts of it; raise `unable` where it answered what is not measured."""
        server, redis = self._server(contender), psutil.Process(_child(self.stack.redis).pid)
        mark = self.accounts.mark()
        began = _cpu_s(server.process), _cpu_s(redis)
        load = self.generator.send(workload, server.url + PATH, seconds)
        ended = _cpu_s(server.process), _cpu_s(redis)
        check_statuses(load, workload, contender)
        if contender == GATEWAY:
            sent = Account(load.statuses, load.caches)
            self.books.append(self.accounts.settled(mark, _named(workload, number), sent))
        return Round(workload.name, contender, number, load, ended[0] - began[0], ended[1] - began[1])

    def weights(self) -> dict[str, tuple[Weight, int]]:
        """Weigh each instance of the gateway and every service that it needs, with the number of their processes."""
        pids = {instance.name: instance.pid for instance in self.lane.instances}
        services = map(_child, (self.stack.redis, self.stack.postgres, self.stack.simulators))
        return {name: weigh(pid) for name, pid in {**pids, **{each.name: each.pid for each in services}}.items()}

    def bring_baselines(self) -> None:
        """Take the gateway's answer, cold then warm, and start the servers that will repeat it."""
        mark = self.accounts.mark()
        sample, sent = take_sample(self.lane.urls[0] + PATH, self.generator.tokens[0])
        self.books.append(self.accounts.settled(mark, "first reads", sent))
        file = self.stack.nursery.folder / "sample.json"
        sample.write(file)
        self.baselines = {name: Baseline(self.stack.nursery, name, file) for name in BASELINES}
        for baseline in self.baselines.values():
            baseline.start()
        for baseline in self.baselines.values():
            baseline.ready()

    def _server(self, contender: str) -> _Server:
        started = self.lane.instances[0] if contender == GATEWAY else self.baselines[contender]
        return _Server(started.url, psutil.Process(started.pid))


def _child(service: Service) -> NativeService:
    """A benchmark weighs what it started itself."""
    if not isinstance(service, NativeService):
        raise TypeError(f"{service.name} is not started here")
    return service


class _Server(NamedTuple):
    url: str
    process: psutil.Process


def arena_on(stack: Servers, lane: Lane) -> Arena:
    """Look at what was started through the eyes of a client, of the log and of the ledger."""
    signing = stack.signing
    signer = Signer(signing.private_key_file, signing.issuer, signing.audience)
    tokens = tuple(signer.token("user", f"bench-{number}", "enterprise") for number in range(IDENTITIES))
    gateway = lane.instances[0]
    accounts = GatewayBooks(gateway.url, gateway.logs[0], stack.simulators.url)
    return Arena(stack, lane, Generator(stack.nursery, tokens, find_k6()), accounts)


def check_statuses(load: Load, workload: Workload, contender: str) -> None:
    """Raise `unable` where refusals or errors were answered: they are quicker or slower than what is measured."""
    others = {status: count for status, count in load.statuses.items() if status not in workload.permitted}
    if others or not load.requests:
        told = ", ".join(f"{count:,} x {status or 'no answer'}" for status, count in others.items()) or "nothing at all"
        raise unable("benchmark-unfit", f"{contender} under {workload.name} answered {told}, which is not measured")


def _named(workload: Workload, number: int) -> str:
    return f"{workload.name}, round {number}" if number else "warm-up"


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
