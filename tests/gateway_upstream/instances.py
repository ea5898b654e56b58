"""An instance that calls providers: what it asks of the store, over and over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Protocol

from reference_gateway.core.upstream.ports import Admission, Refused, Rules, State
from tests.gateway_limiter.crowd import POLL_S, now_us

if TYPE_CHECKING:
    from reference_gateway.adapters.redis import Healths, RedisUpstreams
    from reference_gateway.core.upstream.ports import Outcome

BUDGET_US = 50_000
LAG_US = 1_000_000
"""What a busy machine may add to a wait before a test calls it a hang."""
BACK_S = 20.0
"""How soon a server that is back must be found: a probe every 0.1 s, and a start on a busy machine."""

_numbers = count(1)


class Instances(Protocol):
    """Opens an instance, which the test's end closes."""

    def __call__(self, url: str, rules: Rules, *, budget_us: int = ...) -> Instance: ...


def somewhere() -> str:
    """A provider that no other test uses."""
    return f"provider-{next(_numbers)}"


@dataclass(frozen=True)
class RulesOf(Mapping[str, Rules]):
    """The same for every provider."""

    rules: Rules

    def __getitem__(self, provider: str) -> Rules:
        return self.rules

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass
class Instance:
    healths: Healths
    store: RedisUpstreams

    async def begins(self, provider: str) -> Admission:
        admission = await self.store.admit(provider)
        assert isinstance(admission, Admission), admission
        return admission

    async def refusal(self, provider: str) -> Refused:
        refused = await self.store.admit(provider)
        assert isinstance(refused, Refused), refused
        return refused

    async def calls(self, provider: str, outcome: Outcome, times: int = 1) -> State:
        for _ in range(times):
            state = await self.store.finish(await self.begins(provider), outcome, ())
        return state

    async def state(self, provider: str) -> State:
        return (await self.store.look(provider)).state

    async def timed(self, provider: str) -> int:
        """How long an admission takes, in microseconds."""
        began_us = now_us()
        await self.store.admit(provider)
        return now_us() - began_us


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds; fails when that takes longer than a server's return may."""
    deadline_us = now_us() + int(BACK_S * 1_000_000)
    while not await holds():
        assert now_us() < deadline_us, f"not within {BACK_S} s"
        await asyncio.sleep(POLL_S)
