"""Mistakes about which endpoint is called: in the balancer, in what a call does, in what is known of endpoints."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped_upstreams import MemoryUpstreams
from reference_gateway.core.upstream.balancer import Balancer
from reference_gateway.core.upstream.calls import Calls
from reference_gateway.core.upstream.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.calls import Call
    from reference_gateway.core.upstream.ports import Admission, AttemptFailed, EndpointState, Refused, Rules

BACK_AFTER_MS = 30_000


class WeightsIgnored(Balancer):
    """Endpoints are called in turn, whatever they weigh."""

    kills = "P09"

    def __init__(self, weights: Sequence[Fraction]) -> None:
        super().__init__([Fraction(1)] * len(weights))


class _Sees(Balancer):
    """Sees endpoints otherwise than they are."""

    def seen(self, endpoint: EndpointState) -> EndpointState:
        raise NotImplementedError

    def weights(self, endpoints: Sequence[EndpointState]) -> tuple[Fraction, ...]:
        return super().weights([self.seen(each) for each in endpoints])


class SlowNotHalved(_Sees):
    """A slow endpoint counts in full."""

    kills = "P09"

    def seen(self, endpoint: EndpointState) -> EndpointState:
        return replace(endpoint, is_slow=False)


class UnhealthyCalled(_Sees):
    """An endpoint that is out is called like any other."""

    kills = "P09"

    def seen(self, endpoint: EndpointState) -> EndpointState:
        return replace(endpoint, is_out=False)


class NeverRestored(Balancer):
    """What was slow once counts half for good."""

    kills = "P09"

    def __init__(self, weights: Sequence[Fraction]) -> None:
        super().__init__(weights)
        self.ever = [False] * len(weights)

    def weights(self, endpoints: Sequence[EndpointState]) -> tuple[Fraction, ...]:
        self.ever = [ever or each.is_slow for ever, each in zip(self.ever, endpoints, strict=True)]
        return super().weights([replace(each, is_slow=ever) for ever, each in zip(self.ever, endpoints, strict=True)])


class HalvedAgain(Balancer):
    """A slow endpoint is halved each time it is chosen from."""

    kills = "P09"

    def choose(self, endpoints: Sequence[EndpointState]) -> int:
        halved = zip(self._base, endpoints, strict=True)
        self._base = tuple(weight / 2 if each.is_slow else weight for weight, each in halved)
        return super().choose(endpoints)


class SameEndpointAgain(Balancer):
    """The second attempt is made where the first one failed."""

    kills = "P09"

    def other(self, endpoints: Sequence[EndpointState], than: int) -> int | None:
        del endpoints
        return than


class NoSecondAttempt(Balancer):
    """A failed attempt is a failed call."""

    kills = "P09"

    def other(self, endpoints: Sequence[EndpointState], than: int) -> int | None:
        del endpoints, than
        return None


class SecondWhileOpen(MemoryUpstreams):
    """Nobody looks whether the breaker is closed still."""

    kills = "P09"

    def still_closed(self, admission: Admission, rules: Rules, now_ms: int) -> bool:
        del admission, rules, now_ms
        return True


class SecondBeyondTheTimeout(Calls):
    """The second attempt has a time-out of its own."""

    kills = "P09"

    async def again_at(self, call: Call, first: int, failed: AttemptFailed) -> int | None:
        again = await super().again_at(call, first, failed)
        call.until_ms = self._runtime.now_ms() + self._timeout_ms
        return again


class ProbeFailureIgnored(MemoryUpstreams):
    """Only calls put an endpoint out."""

    kills = "P09"

    def probed(self, provider: str, endpoint: int, rules: Rules, now_ms: int, *, well: bool) -> None:
        if well:
            super().probed(provider, endpoint, rules, now_ms, well=well)


class TakenBackByTime(MemoryUpstreams):
    """After a while an endpoint is called again, whatever its probes say."""

    kills = "P09"

    def admit(self, provider: str, rules: Rules, now_ms: int) -> Admission | Refused:
        return super().admit(provider, replace(rules, retry_out_ms=BACK_AFTER_MS // 10), now_ms)


class NeverProbed(Probes):
    """Nobody probes."""

    kills = "P09"

    async def probe(self, provider: str, endpoint: int) -> None:
        """Leave it."""


MUTANTS: list[Any] = [
    WeightsIgnored,
    SlowNotHalved,
    UnhealthyCalled,
    NeverRestored,
    HalvedAgain,
    SameEndpointAgain,
    NoSecondAttempt,
    SecondWhileOpen,
    SecondBeyondTheTimeout,
    ProbeFailureIgnored,
    TakenBackByTime,
    NeverProbed,
]
