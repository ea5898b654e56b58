"""A credential manager on a clock of the test's own, and a Vault that does as it is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from reference_gateway.conformance.turns import Process, Turns
from reference_gateway.conformance.world import SteppedRuntime
from reference_gateway.core.credentials.manager import Outside, VaultCredentialManager
from reference_gateway.core.credentials.ports import NoCredential, VaultAway, VaultDenied
from reference_gateway.core.credentials.said import Times
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from reference_gateway.core.credentials.ports import Credential

TIMES = Times(refresh_ms=300_000, keep_ms=3_600_000, patience_ms=1_000)


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def advance(self, duration_ms: int) -> None:
        self.ms += duration_ms


@dataclass
class TameVault:
    """What it holds, and how it is."""

    runtime: SteppedRuntime
    holds: dict[str, str] = field(default_factory=dict)
    state: str = "well"
    slow_ms: int = 0
    denied: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    async def _answer(self, path: str) -> None:
        self.asked[path] += 1
        if self.slow_ms:
            await self.runtime.sleep(self.slow_ms)
        if path in self.denied:
            raise VaultDenied("Forbidden")
        if self.state != "well":
            raise VaultAway(self.state)

    async def read(self, path: str) -> Credential | None:
        found = self.holds.get(path)
        await self._answer(path)
        return None if found is None else {"api_key": Secret(found)}

    async def names(self, folder: str) -> Sequence[str]:
        await self._answer(folder)
        return [path.removeprefix(f"{folder}/") for path in self.holds if path.startswith(f"{folder}/")]

    async def write(self, path: str, credential: Credential) -> None:
        await self._answer(path)
        self.holds[path] = credential["api_key"].reveal()

    async def delete(self, path: str) -> bool:
        await self._answer(path)
        return self.holds.pop(path, None) is not None


class Scene:
    """One instance's manager, and time."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.process = Process()
        self.runtime = SteppedRuntime(self.turns, self.process, lambda: 0.5)
        self.vault = TameVault(self.runtime, {"providers/lambda": "house-1"})
        self.manager = VaultCredentialManager(Outside(self.vault, self.runtime), TIMES)

    def pass_ms(self, duration_ms: int) -> None:
        self.turns.run(self.clock.ms + duration_ms)

    def get(self, asks: Coroutine[Any, Any, Any], at_most_ms: int = 5_000) -> Any:  # noqa: ANN401 - of what was asked
        """Let it run to its end, in as little time as it takes."""
        came: list[Any] = []

        async def work() -> None:
            came.append(await asks)

        self.turns.start(self.process, work())
        ends = self.clock.ms + at_most_ms
        self.turns.run(self.clock.ms)
        while not came and self.clock.ms < ends:
            self.turns.run(self.clock.ms + 10)
        assert came, f"nothing within {at_most_ms} ms"
        return came[0]

    def key(self, key: str = "house/lambda") -> str | None:
        """The text of a key's credential; None where there is none."""

        async def look() -> str | None:
            try:
                return (await self.manager.of(key))["api_key"].reveal()
            except NoCredential:
                return None

        found: str | None = self.get(look())
        return found

    def owner(self, user: str, provider: str = "lambda") -> Any:  # noqa: ANN401 - an Owner
        return self.get(self.manager.owners(user, [provider]))[0]


@pytest.fixture
def scene() -> Scene:
    return Scene()
