"""Whether each endpoint answers, asked now and then by one of all instances: never the list, and never while open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.cache.entry import key_of
from reference_gateway.core.upstream.rounds import Round, Rounds, spread_ms

if TYPE_CHECKING:
    from reference_gateway.core.upstream.calls import Surroundings


class Probes:
    """One instance's."""

    def __init__(self, surroundings: Surroundings, rounds: Rounds, *, every_ms: int, timeout_ms: int) -> None:
        """`every_ms` of 0 is off."""
        self._store, self._caller, _, self._watcher = surroundings
        self._rounds = rounds
        self._every_ms = every_ms
        self._timeout_ms = timeout_ms

    def watch(self, provider: str, endpoints: int) -> None:
        """Probe these endpoints of a provider from now on."""
        for endpoint in range(endpoints):
            self._rounds.begin(self._round(provider, endpoint))

    def _round(self, provider: str, endpoint: int) -> Round:
        name = f"probe:{provider}:{endpoint}"

        async def do() -> None:
            await self.probe(provider, endpoint)

        async def may() -> bool:
            return await self.may_probe(provider)

        return Round(name, self._every_ms, spread_ms(name, self._every_ms), do, may)

    async def may_probe(self, provider: str) -> bool:
        """Say whether the breaker lets a provider be probed, and there is a credential to do it with."""
        state = (await self._store.look(provider)).state
        self._watcher.heard(provider, state)
        return state == "closed" and await self._caller.prepare(key_of(provider))

    async def probe(self, provider: str, endpoint: int) -> None:
        """Probe once, and let all instances know."""
        well = await self._caller.probe(provider, endpoint, self._timeout_ms)
        self._watcher.probed(provider, endpoint, well=well)
        await self._store.probed(provider, endpoint, well=well)
