"""What all instances share of providers, on Redis: every word is one script call, and costs at most the budget."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reference_gateway.adapters.redis import upstream_script
from reference_gateway.adapters.redis.courier import Couriers, Servers
from reference_gateway.adapters.redis.upstream_script import PREFIX, TURN_PREFIX
from reference_gateway.adapters.redis.words import Call, Reply, TooLate, Word, number, server_ms
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.upstream.pace import is_due
from reference_gateway.core.upstream.ports import Rules
from reference_gateway.core.upstream.remembered import OF_NO_PERIOD, Remembered, as_theirs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.adapters.redis.health import Healths
    from reference_gateway.core.upstream.ports import Admission, Attempted, Outcome, Refused, State, Upstream

UNTOLD_MAX = 10_000
"""Ends of calls that wait for Redis; beyond it the oldest are forgotten: trials are lost in time, pauses end."""
START_KEY = "start"
"""A provider of nobody's."""
US_PER_MS = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Untold:
    """A call's end that Redis may not have heard of, and must: it can be said twice without harm."""

    admission: Admission
    outcome: Outcome
    held_ms: int
    """When the pause ends that the provider asked for."""


class RedisUpstreams:
    """The port `UpstreamStore`.

    Without Redis each instance goes on by itself, from the last that Redis said. With Redis back, what Redis knows
    counts, for it is the same for all; where it came back knowing nothing, it believes of an open breaker.
    """

    def __init__(self, servers: Servers, rules: Mapping[str, Rules], healths: Healths) -> None:
        """`rules` are the providers', by their names."""
        self._couriers = Couriers(servers, healths)
        self._rules = rules
        self._healths = healths
        self._budget = healths.budget
        self._known: dict[str, Remembered] = {}
        self._turns: dict[str, int] = {}
        self._untold: deque[_Untold] = deque(maxlen=UNTOLD_MAX)
        healths.on_back(lambda _: self._tell_untold())

    async def start(self) -> None:
        """Meet the servers before the first call; one that does not answer is met later."""
        await self._couriers.start(Word(PREFIX + START_KEY, upstream_script.look(Rules())))

    async def admit(self, provider: str) -> Admission | Refused:
        """As the port."""
        rules = self._rules[provider]
        open_for_ms = self._mine(provider).open_for_ms(rules, self._now_ms())
        try:
            reply = await self._say(provider, upstream_script.admit(rules, open_for_ms))
            return upstream_script.answer(reply, provider, rules)
        except (StoreAway, ValueError):
            known, answer = self._mine(provider).admit(provider, rules, self._now_ms())
            self._keep(provider, known)
            return answer

    async def still_closed(self, admission: Admission) -> bool:
        """As the port."""
        provider, rules = admission.provider, self._rules[admission.provider]
        try:
            reply = await self._say(provider, upstream_script.still_closed(rules, as_theirs(admission)))
            return upstream_script.said(reply) == "closed"
        except StoreAway:
            return self._mine(provider).still_closed(admission, rules, self._now_ms())

    async def finish(
        self, admission: Admission, outcome: Outcome, attempts: Sequence[Attempted], *, retry_after_ms: int = 0
    ) -> State:
        """As the port."""
        provider, rules = admission.provider, self._rules[admission.provider]
        call = upstream_script.finish(rules, as_theirs(admission), outcome, attempts, retry_after_ms)
        try:
            return upstream_script.state(await self._say(provider, call))
        except (StoreAway, ValueError):
            now_ms = self._now_ms()
            self._remember_to_tell(admission, outcome, now_ms + retry_after_ms, now_ms)
            if not self._couriers.is_away(PREFIX + provider):
                self._tell_untold()  # it was only too late, or unwilling once
            known, state = self._mine(provider).finish(
                admission, outcome, attempts, rules, now_ms, retry_after_ms=retry_after_ms
            )
            self._keep(provider, known)
            return state

    async def probed(self, provider: str, endpoint: int, *, well: bool) -> None:
        """As the port."""
        rules = self._rules[provider]
        try:
            await self._say(provider, upstream_script.probed(rules, endpoint, well=well))
        except StoreAway:
            self._keep(provider, self._mine(provider).probed(endpoint, rules, self._now_ms(), well=well))

    async def turn(self, name: str, every_ms: int) -> bool:
        """As the port."""
        try:
            ours = bool(number(await self._couriers.say(Word(TURN_PREFIX + name, upstream_script.turn(every_ms)))))
        except (StoreAway, TooLate):
            ours = is_due(self._turns.get(name), every_ms, self._now_ms())
        if ours:
            self._turns[name] = self._now_ms()
        return ours

    async def look(self, provider: str) -> Upstream:
        """As the port."""
        rules = self._rules[provider]
        with suppress(StoreAway):
            await self._say(provider, upstream_script.look(rules))
        return self._mine(provider).shared.look(rules, self._now_ms())

    async def _say(self, provider: str, call: Call) -> Reply:
        """Say one word about a provider, and remember what is known of him now; raises `StoreAway`."""
        if not self._healths.has_budget:
            raise StoreAway("the request has waited for another server already")
        try:
            reply = await self._couriers.say(Word(PREFIX + provider, call))
        except StoreAway:
            self._healths.spent_in_vain()
            raise
        try:
            shared = upstream_script.shared(reply)
        except (TooLate, ValueError) as error:
            raise StoreAway(f"nothing to go by: {error}") from error
        self._keep(provider, Remembered.told(shared, server_ms(reply), self._now_ms()))
        return reply

    def _mine(self, provider: str) -> Remembered:
        return self._known.get(provider) or Remembered()

    def _keep(self, provider: str, known: Remembered) -> None:
        before, after = self._mine(provider).shared.breaker.state, known.shared.breaker.state
        if before != after:
            log.warning("the breaker of %s was %s, now it is %s", provider, before, after)
        self._known[provider] = known

    def _now_ms(self) -> int:
        return self._budget.now_us() // US_PER_MS

    def _remember_to_tell(self, admission: Admission, outcome: Outcome, held_ms: int, now_ms: int) -> None:
        """Keep what must not be lost: a trial's result, whose loss would open the breaker, and a provider's pause.

        What a call of the closed state came to is not said again: if Redis did hear of it, it would count twice.
        """
        if admission.trial and not admission.token:
            self._untold.append(_Untold(admission, outcome, held_ms))
        elif held_ms > now_ms:
            self._untold.append(_Untold(replace(admission, period=OF_NO_PERIOD), outcome, held_ms))

    def _tell_untold(self) -> None:
        untold, self._untold = tuple(self._untold), deque(maxlen=UNTOLD_MAX)
        # In a context of its own: whose request it was does not wait for it.
        Context().run(self._budget.start, self._tell_all(untold))

    async def _tell_all(self, untold: Sequence[_Untold]) -> None:
        await asyncio.gather(*(self._tell(each) for each in untold), return_exceptions=True)

    async def _tell(self, each: _Untold) -> None:
        provider, now_ms = each.admission.provider, self._now_ms()
        hold_ms = max(0, each.held_ms - now_ms)
        call = upstream_script.finish(self._rules[provider], each.admission, each.outcome, (), hold_ms)
        try:
            await self._say(provider, call)
        except StoreAway:
            self._remember_to_tell(each.admission, each.outcome, each.held_ms, now_ms)

    async def close(self) -> None:
        """Answer who still waits, and give back the connections."""
        await self._couriers.close()
