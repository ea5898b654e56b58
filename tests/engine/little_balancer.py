"""A right balancer in few lines, written apart from the reference: the little read path over several endpoints.

It throws no dice: each instance deals smooth cycles of its own. Every rule is one overridable line.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from gatespec.read_ports import UpstreamRequest
from tests.engine.little_parts import Entry, Flight, Instance
from tests.engine.little_reads import LIST_PATH, LittleReads, read_cents
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.read_ports import Declared, Upstream
    from tests.engine.virtual_tasks import Task

PROBED_PATH = "/api/v1/images"
LAST = 10
ROW = 3


@dataclass
class Endpoint:
    """What all instances know of one endpoint."""

    url: str
    weight: float
    latencies: deque[int] = field(default_factory=lambda: deque(maxlen=LAST))
    row: int = 0
    out: bool = False


@dataclass
class Provider:
    """What all instances know of one provider: its endpoints, and its breaker."""

    declared: Declared
    endpoints: list[Endpoint]
    results: deque[bool]
    opened_ms: float | None = None
    trials: int = 0
    successes: int = 0
    period: int = 0


class LittleBalancer(LittleReads):
    """A component driver whose calls are balanced as they should be."""

    balancing = "smooth"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        settings = given["settings"]
        self.slow = round(float(settings["GATEWAY_SLOW_S"]) * 1000)
        self.interval = round(float(settings["GATEWAY_HEALTH_INTERVAL_S"]) * 1000)
        self.open_ms = round(float(settings["GATEWAY_BREAKER_OPEN_S"]) * 1000)
        self.window, self.wanted = (int(settings[f"GATEWAY_BREAKER_{n}"]) for n in ("WINDOW", "TRIALS"))
        self.rate = float(settings["GATEWAY_BREAKER_FAILURE_RATE"])
        self.known: dict[str, Provider] = {}
        self.wheels: dict[tuple[int, str], tuple[list[float], list[float]]] = {}

    def declare(self, providers: Sequence[Declared]) -> None:
        super().declare(providers)
        for each in providers:
            endpoints = [Endpoint(url, weight) for url, weight in each.endpoints]
            provider = self.known[each.name] = Provider(each, endpoints, deque(maxlen=self.window))
            for endpoint in endpoints if self.interval else ():
                self.tasks.start(self.instances[0], self.probes(self.instances[0], provider, endpoint))

    # Calls.

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        began, provider = self.now, self.known[name]
        period = self.admit(provider)
        cents = None
        if period is not None:
            cents = yield from self.call_balanced(instance, provider, flight)
            self.finish(provider, period, well=cents is not None)
        if cents is not None:
            flight.entry = Entry(cents, self.dated(began), self.now - began)
            yield from self.keep(instance, name, flight.entry, token)
        if self.leases.get(name, (None, 0))[0] is token:
            del self.leases[name]

    def call_balanced(self, instance: Instance, provider: Provider, flight: Flight) -> Task:
        last_ms, period = self.now + self.timeout, provider.period
        first = self.choose(instance, provider, self.candidates(instance, provider, None))
        cents = yield from self.attempt(instance, provider, first, last_ms)
        if cents is None and self.may_try_again(provider, period, last_ms):
            others = self.candidates(instance, provider, first)
            if others:
                last_ms = self.second_until(last_ms)
                second = self.choose(instance, provider, others)
                cents = yield from self.attempt(instance, provider, second, last_ms)
        flight.timed_out = self.now >= last_ms
        return cents

    def may_try_again(self, provider: Provider, period: int, last_ms: int) -> bool:
        return provider.opened_ms is None and provider.period == period and self.now < last_ms

    def second_until(self, last_ms: int) -> int:
        """A second attempt ends with the first one's time-out."""
        return last_ms

    def attempt(self, instance: Instance, provider: Provider, endpoint: Endpoint, last_ms: int) -> Task:
        began, met = self.now, self.at(instance, provider, endpoint, LIST_PATH)
        ends = began + (inf if met.after_ms is None else met.after_ms)
        yield until(min(ends, last_ms))
        cents = None if ends >= last_ms else read_cents(met)
        self.note(instance, provider, endpoint, self.now - began, well=cents is not None)
        return cents

    def at(self, instance: Instance, provider: Provider, endpoint: Endpoint, path: str) -> Upstream:
        bearer = {"authorization": f"Bearer {provider.declared.credential['api_key']}"}
        name = provider.declared.name
        return self.ask(instance.number, name, endpoint.url, UpstreamRequest("GET", path, bearer))

    # Endpoints.

    def candidates(self, instance: Instance, provider: Provider, tried: Endpoint | None) -> list[Endpoint]:
        """The healthy ones; where none is, all. For a second attempt without the one that was tried."""
        healthy = [each for each in provider.endpoints if not self.is_out(instance, each)]
        return [each for each in healthy or self.when_none_is_healthy(provider) if each is not tried]

    def when_none_is_healthy(self, provider: Provider) -> list[Endpoint]:
        return provider.endpoints

    def is_out(self, instance: Instance, endpoint: Endpoint) -> bool:
        del instance
        return endpoint.out

    def weight(self, endpoint: Endpoint) -> float:
        """Slow counts half."""
        return endpoint.weight / 2 if self.is_slow(endpoint) else endpoint.weight

    def is_slow(self, endpoint: Endpoint) -> bool:
        return len(endpoint.latencies) == LAST and sum(endpoint.latencies) / LAST > self.slow

    def choose(self, instance: Instance, provider: Provider, among: list[Endpoint]) -> Endpoint:
        """Smooth, as nginx does it; where anything else counts than before, a new cycle begins."""
        weights = [self.weight(each) if each in among else 0 for each in provider.endpoints]
        wheel = instance.number, provider.declared.name
        before, current = self.wheels.get(wheel, ([], []))
        current = current if before == weights else [0] * len(weights)
        current = [now + weight for now, weight in zip(current, weights, strict=True)]
        chosen = max((each for each in range(len(weights)) if weights[each]), key=lambda each: current[each])
        current[chosen] -= sum(weights)
        self.wheels[wheel] = weights, current
        return provider.endpoints[chosen]

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        """Count one attempt."""
        del instance, provider
        endpoint.latencies.append(took_ms)
        endpoint.row = 0 if well else endpoint.row + 1
        endpoint.out = endpoint.out or endpoint.row >= ROW

    # Probes.

    def probes(self, instance: Instance, provider: Provider, endpoint: Endpoint) -> Task:
        yield until(self.now + self.interval // 3)
        while True:
            if provider.opened_ms is None:
                began, met = self.now, self.at(instance, provider, endpoint, PROBED_PATH)
                yield until(began + min(inf if met.after_ms is None else met.after_ms, self.timeout))
                self.probed(instance, endpoint, self.now - began, well=met.status == 200)
            yield until(self.now + self.interval)

    def probed(self, instance: Instance, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        del instance, took_ms
        endpoint.out = not well
        endpoint.row = 0 if well else endpoint.row

    # The breaker.

    def admit(self, provider: Provider) -> int | None:
        """The period in which a call may begin now; None: it may not."""
        if provider.opened_ms is not None:
            if self.now < provider.opened_ms + self.open_ms or provider.trials == self.wanted:
                return None
            provider.trials += 1
        return provider.period

    def finish(self, provider: Provider, period: int, *, well: bool) -> None:
        if provider.opened_ms is not None and period == provider.period:
            provider.successes += well
            if not well:
                self.turn(provider, self.now)
            elif provider.successes == self.wanted:
                self.turn(provider, None)
        elif period == provider.period:
            self.count(provider, well=well)

    def count(self, provider: Provider, *, well: bool) -> None:
        provider.results.append(not well)
        if len(provider.results) == self.window and sum(provider.results) >= self.rate * self.window:
            self.turn(provider, self.now)

    def turn(self, provider: Provider, opened_ms: float | None) -> None:
        provider.opened_ms, provider.trials, provider.successes = opened_ms, 0, 0
        provider.period += 1
        provider.results.clear()
