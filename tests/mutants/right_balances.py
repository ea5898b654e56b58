"""Right gateways that balance otherwise than the little one: what the contract leaves open, no chapter may convict."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any

from tests.engine.little_balancer import LAST, Endpoint, LittleBalancer
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from tests.engine.little_balancer import Provider
    from tests.engine.little_parts import Instance
    from tests.engine.virtual_tasks import Task

HEARD_AFTER_MS = 90
"""When the other instances know what one has learnt."""


class ThrowsDice(LittleBalancer):
    """Each call is drawn by weight."""

    lives = ("P09",)
    balancing = ""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.random = Random(7)  # noqa: S311 - dice, not secrets

    def choose(self, instance: Instance, provider: Provider, among: list[Endpoint]) -> Endpoint:
        del instance, provider
        return self.random.choices(among, [self.weight(each) for each in among])[0]


class DealsInBlocks(LittleBalancer):
    """Each instance calls the first endpoint as often as it weighs, then the next; anew after each change."""

    lives = ("P09",)
    balancing = ""

    def choose(self, instance: Instance, provider: Provider, among: list[Endpoint]) -> Endpoint:
        weights = [self.weight(each) if each in among else 0 for each in provider.endpoints]
        wheel = instance.number, provider.declared.name
        before, left = self.wheels.get(wheel, ([], []))
        if before != weights or not any(left):
            left = [2 * weight for weight in weights]
        chosen = next(place for place, each in enumerate(left) if each)
        self.wheels[wheel] = weights, [each - (place == chosen) for place, each in enumerate(left)]
        return provider.endpoints[chosen]


class ShufflesItsCycles(DealsInBlocks):
    """A cycle is dealt like a pack of cards."""

    lives = ("P09",)

    def choose(self, instance: Instance, provider: Provider, among: list[Endpoint]) -> Endpoint:
        weights = [self.weight(each) if each in among else 0 for each in provider.endpoints]
        wheel = instance.number, provider.declared.name
        before, pack = self.wheels.get(wheel, ([], []))
        if before != weights or not pack:
            pack = [float(place) for place, weight in enumerate(weights) for _ in range(int(2 * weight))]
            Random(self.now).shuffle(pack)  # noqa: S311 - dice, not secrets
        self.wheels[wheel] = weights, pack[1:]
        return provider.endpoints[int(pack[0])]


class OneWheelForAll(LittleBalancer):
    """All instances deal from one cycle, and claim it."""

    lives = ("P09",)

    def choose(self, instance: Instance, provider: Provider, among: list[Endpoint]) -> Endpoint:
        del instance
        return super().choose(self.instances[0], provider, among)


class TurnsOnAfterAChange(LittleBalancer):
    """A cycle goes on where it is when endpoints change."""

    lives = ("P09",)

    def choose(self, instance: Instance, provider: Provider, among: list[Endpoint]) -> Endpoint:
        wheel = instance.number, provider.declared.name
        weights = [self.weight(each) if each in among else 0 for each in provider.endpoints]
        _, current = self.wheels.get(wheel, ([], [0] * len(weights)))
        self.wheels[wheel] = weights, current
        return super().choose(instance, provider, among)


class HearsOfItSoon(LittleBalancer):
    """What one instance has learnt the others know a little later."""

    lives = ("P09",)

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        self.tasks.start(instance, self.later(instance, provider, endpoint, took_ms, well))

    def later(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, well: bool) -> Task:  # noqa: FBT001 - as `note` has it
        yield until(self.now + HEARD_AFTER_MS)
        super().note(instance, provider, endpoint, took_ms, well=well)


class FailuresHaveNoLatency(LittleBalancer):
    """Only what was answered is averaged."""

    lives = ("P09",)

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        before = endpoint.latencies.copy()
        super().note(instance, provider, endpoint, took_ms, well=well)
        endpoint.latencies = endpoint.latencies if well else before


class SlowAtOnce(LittleBalancer):
    """The mean is that of as many attempts as there were, be it one."""

    lives = ("P09",)

    def is_slow(self, endpoint: Endpoint) -> bool:
        return bool(endpoint.latencies) and sum(endpoint.latencies) / len(endpoint.latencies) > self.slow


class ForgetsWhenOut(LittleBalancer):
    """An endpoint that comes back begins anew: neither its latencies nor its failures are remembered."""

    lives = ("P09",)

    def probed(self, instance: Instance, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        if endpoint.out and well:
            endpoint.latencies = deque(maxlen=LAST)
        super().probed(instance, endpoint, took_ms, well=well)


class ProbesEndNoRow(LittleBalancer):
    """Only an attempt that succeeds ends a row of failures; a probe just brings the endpoint back."""

    lives = ("P09",)

    def probed(self, instance: Instance, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        row = endpoint.row
        super().probed(instance, endpoint, took_ms, well=well)
        endpoint.row = row


class ProbesOften(LittleBalancer):
    """Every instance probes every endpoint."""

    lives = ("P09",)

    def probes(self, instance: Instance, provider: Provider, endpoint: Endpoint) -> Task:
        if instance.number == 0:
            for other in self.instances[1:]:
                self.tasks.start(other, super().probes(other, provider, endpoint))
        yield from super().probes(instance, provider, endpoint)


class NeedsHalfItsTime(LittleBalancer):
    """No second attempt where less than half of the time is left."""

    lives = ("P09",)

    def may_try_again(self, provider: Provider, period: int, last_ms: int) -> bool:
        return super().may_try_again(provider, period, last_ms) and 2 * (last_ms - self.now) >= self.timeout


RIGHT: list[Any] = [
    ThrowsDice,
    DealsInBlocks,
    ShufflesItsCycles,
    OneWheelForAll,
    TurnsOnAfterAChange,
    HearsOfItSoon,
    FailuresHaveNoLatency,
    SlowAtOnce,
    ForgetsWhenOut,
    ProbesEndNoRow,
    ProbesOften,
    NeedsHalfItsTime,
]
