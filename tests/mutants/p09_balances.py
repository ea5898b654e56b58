"""Mistakes about which endpoint is called."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from gatespec.read_ports import Upstream
from tests.engine.little_balancer import PROBED_PATH, ROW, Endpoint, LittleBalancer
from tests.engine.virtual_tasks import until
from tests.mutants.right_balances import ThrowsDice

if TYPE_CHECKING:
    from tests.engine.little_balancer import Provider
    from tests.engine.little_parts import Flight, Instance
    from tests.engine.virtual_tasks import Task

BACK_AFTER_MS = 30_000


class WeightsIgnored(LittleBalancer):
    """Endpoints are called in turn, whatever they weigh."""

    kills = "P09"

    def weight(self, endpoint: Endpoint) -> float:
        return super().weight(endpoint) / endpoint.weight


class SlowNotHalved(LittleBalancer):
    """A slow endpoint counts in full."""

    kills = "P09"

    def is_slow(self, endpoint: Endpoint) -> bool:
        del endpoint
        return False


class SlowPutOut(LittleBalancer):
    """A slow endpoint gets nothing at all."""

    kills = "P09"

    def is_out(self, instance: Instance, endpoint: Endpoint) -> bool:
        return super().is_out(instance, endpoint) or self.is_slow(endpoint)


class HalvedAgain(LittleBalancer):
    """Each slow attempt halves the endpoint once more."""

    kills = "P09"

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        super().note(instance, provider, endpoint, took_ms, well=well)
        if self.is_slow(endpoint):
            endpoint.weight /= 2


class NeverRestored(LittleBalancer):
    """What was slow once counts half for good."""

    kills = "P09"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.ever = set[str]()

    def is_slow(self, endpoint: Endpoint) -> bool:
        if super().is_slow(endpoint):
            self.ever.add(endpoint.url)
        return endpoint.url in self.ever


class RestoredByOne(LittleBalancer):
    """The last attempt alone decides whether an endpoint is slow."""

    kills = "P09"

    def is_slow(self, endpoint: Endpoint) -> bool:
        return bool(endpoint.latencies) and endpoint.latencies[-1] <= self.slow < sum(endpoint.latencies) / 10


class UnhealthyCalled(LittleBalancer):
    """An endpoint that failed three times in a row is called like any other."""

    kills = "P09"

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        super().note(instance, provider, endpoint, took_ms, well=well)
        endpoint.out = endpoint.out and endpoint.row < ROW


class SameEndpointAgain(LittleBalancer):
    """The second attempt is made where the first one failed."""

    kills = "P09"

    def candidates(self, instance: Instance, provider: Provider, tried: Endpoint | None) -> list[Endpoint]:
        return [tried] if tried else super().candidates(instance, provider, None)


class NoSecondAttempt(LittleBalancer):
    """A failed attempt is a failed call."""

    kills = "P09"

    def may_try_again(self, provider: Provider, period: int, last_ms: int) -> bool:
        del provider, period, last_ms
        return False


class SecondAtUnhealthy(LittleBalancer):
    """The second attempt is made at the next endpoint, healthy or not."""

    kills = "P09"

    def candidates(self, instance: Instance, provider: Provider, tried: Endpoint | None) -> list[Endpoint]:
        others = [each for each in provider.endpoints if each is not tried]
        return others if tried else super().candidates(instance, provider, None)


class SecondWhileOpen(LittleBalancer):
    """A trial that fails is made once more."""

    kills = "P09"

    def may_try_again(self, provider: Provider, period: int, last_ms: int) -> bool:
        del provider, period
        return self.now < last_ms


class SecondBeyondTheTimeout(LittleBalancer):
    """The second attempt has a time-out of its own."""

    kills = "P09"

    def second_until(self, last_ms: int) -> int:
        del last_ms
        return self.now + self.timeout


class AttemptsCountAsCalls(LittleBalancer):
    """The breaker counts each attempt."""

    kills = "P09"

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        super().note(instance, provider, endpoint, took_ms, well=well)
        self.count(provider, well=well)

    def finish(self, provider: Provider, period: int, *, well: bool) -> None:
        if provider.opened_ms is not None:
            super().finish(provider, period, well=well)


class FirstAttemptCounts(LittleBalancer):
    """A call whose first attempt failed counts as failed, though the second brought the offers."""

    kills = "P09"

    def attempt(self, instance: Instance, provider: Provider, endpoint: Endpoint, last_ms: int) -> Task:
        cents = yield from super().attempt(instance, provider, endpoint, last_ms)
        self.failed = self.failed or cents is None
        return cents

    failed = False

    def finish(self, provider: Provider, period: int, *, well: bool) -> None:
        super().finish(provider, period, well=well and not self.failed)
        self.failed = False


class ProbeFailureIgnored(LittleBalancer):
    """Only calls put an endpoint out."""

    kills = "P09"

    def probed(self, instance: Instance, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        if well:
            super().probed(instance, endpoint, took_ms, well=well)


class ProbesEnterTheLatency(LittleBalancer):
    """A probe's time is averaged like a call's."""

    kills = "P09"

    def probed(self, instance: Instance, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        super().probed(instance, endpoint, took_ms, well=well)
        endpoint.latencies.append(took_ms)


class TakenBackByTime(LittleBalancer):
    """After a while an endpoint is called again, whatever its probes say."""

    kills = "P09"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.since = dict[str, int]()

    def is_out(self, instance: Instance, endpoint: Endpoint) -> bool:
        if not super().is_out(instance, endpoint):
            self.since.pop(endpoint.url, None)
            return False
        return self.now < self.since.setdefault(endpoint.url, self.now) + BACK_AFTER_MS


class NeverTakenBack(LittleBalancer):
    """What is out stays out."""

    kills = "P09"

    def probed(self, instance: Instance, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        was_out = endpoint.out
        super().probed(instance, endpoint, took_ms, well=well)
        endpoint.out = endpoint.out or was_out


class NoneHealthyNoCall(LittleBalancer):
    """Where no endpoint is healthy, nobody is called."""

    kills = "P09"

    def call_balanced(self, instance: Instance, provider: Provider, flight: Flight) -> Task:
        if all(self.is_out(instance, each) for each in provider.endpoints):
            yield until(self.now)
            return None
        return (yield from super().call_balanced(instance, provider, flight))


class NoneHealthyTheFirst(LittleBalancer):
    """Where no endpoint is healthy, the first one is called."""

    kills = "P09"

    def when_none_is_healthy(self, provider: Provider) -> list[Endpoint]:
        return provider.endpoints[:1]


class HealthPerInstance(LittleBalancer):
    """Each instance learns by its own failures alone which endpoint is out."""

    kills = "P09"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.rows: defaultdict[tuple[int, str], int] = defaultdict(int)

    def note(self, instance: Instance, provider: Provider, endpoint: Endpoint, took_ms: int, *, well: bool) -> None:
        super().note(instance, provider, endpoint, took_ms, well=well)
        mine = instance.number, endpoint.url
        self.rows[mine] = 0 if well else self.rows[mine] + 1

    def is_out(self, instance: Instance, endpoint: Endpoint) -> bool:
        failed_here = self.rows[instance.number, endpoint.url] >= ROW
        return super().is_out(instance, endpoint) and (failed_here or endpoint.row < ROW)


class NeverProbed(LittleBalancer):
    """Nobody probes."""

    kills = "P09"

    def probes(self, instance: Instance, provider: Provider, endpoint: Endpoint) -> Task:
        del instance, provider, endpoint
        yield until(self.now)


class OnlyTheOutAreProbed(LittleBalancer):
    """An endpoint that was never out is never probed."""

    kills = "P09"

    def at(self, instance: Instance, provider: Provider, endpoint: Endpoint, path: str) -> Upstream:
        if path == PROBED_PATH and not endpoint.out:
            return Upstream(0, 0, 200, b"")
        return super().at(instance, provider, endpoint, path)


class DiceIgnoreWeights(ThrowsDice):
    """Each call is drawn, and each endpoint as likely."""

    kills = "P09"

    def weight(self, endpoint: Endpoint) -> float:
        return super().weight(endpoint) / endpoint.weight


class DiceAreNotHalved(ThrowsDice):
    """Each call is drawn by weight, however slow an endpoint is."""

    kills = "P09"

    def is_slow(self, endpoint: Endpoint) -> bool:
        del endpoint
        return False


MUTANTS: list[Any] = [
    WeightsIgnored,
    SlowNotHalved,
    SlowPutOut,
    HalvedAgain,
    NeverRestored,
    RestoredByOne,
    UnhealthyCalled,
    SameEndpointAgain,
    NoSecondAttempt,
    SecondAtUnhealthy,
    SecondWhileOpen,
    SecondBeyondTheTimeout,
    AttemptsCountAsCalls,
    FirstAttemptCounts,
    ProbeFailureIgnored,
    ProbesEnterTheLatency,
    TakenBackByTime,
    NeverTakenBack,
    NoneHealthyNoCall,
    NoneHealthyTheFirst,
    HealthPerInstance,
    NeverProbed,
    OnlyTheOutAreProbed,
    DiceIgnoreWeights,
    DiceAreNotHalved,
]
