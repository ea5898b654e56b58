"""Vault in process: each question meets what the judge says, at the moment that he says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, Protocol

from reference_gateway.core.credentials.ports import VaultAway
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.conformance.world import SteppedRuntime
    from reference_gateway.core.credentials.ports import Credential

TIMEOUT_MS: Final = 2_000
"""As over the wire."""
Op = Literal["read", "list"]


class VaultWord(Protocol):
    """What one question meets: by attribute, as the judge's own has it."""

    @property
    def after_ms(self) -> int | None:
        """How long after the question; None: never."""

    @property
    def state(self) -> Literal["found", "absent", "away"]:
        """Whether there is something, there is nothing, or nobody answers."""

    @property
    def fields(self) -> Mapping[str, str]:
        """What lies there."""

    @property
    def names(self) -> Sequence[str]:
        """What lies in a folder."""


AskVault = Callable[[int, Op, str], VaultWord]
"""Of which instance, what, about which path."""


class SteppedVault:
    """The port `Vault` of one instance; nothing is written in process."""

    def __init__(self, ask: Callable[[Op, str], VaultWord], runtime: SteppedRuntime) -> None:
        self._ask = ask
        self._runtime = runtime

    async def read(self, path: str) -> Credential | None:
        """As the port."""
        word = await self._answer("read", path)
        return {name: Secret(text) for name, text in word.fields.items()} if word.state == "found" else None

    async def names(self, folder: str) -> Sequence[str]:
        """As the port."""
        word = await self._answer("list", folder)
        return word.names if word.state == "found" else ()

    async def write(self, path: str, credential: Credential) -> None:
        """As the port; this driver serves no route that writes."""
        raise VaultAway(f"{len(credential)} fields for {path}: nothing is written in process")

    async def delete(self, path: str) -> bool:
        """As `write`."""
        raise VaultAway(f"{path}: nothing is deleted in process")

    async def _answer(self, op: Op, path: str) -> VaultWord:
        word = self._ask(op, path)
        if word.after_ms is None or word.after_ms >= TIMEOUT_MS:
            await self._runtime.sleep(TIMEOUT_MS)
            raise VaultAway("no answer within the time-out")
        if word.after_ms:
            await self._runtime.sleep(word.after_ms)
        if word.state == "away":
            raise VaultAway("nobody answers")
        return word
