"""Vault in process: it holds what the judge put there, and answers as it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.read_ports import VaultRead, VaultWord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.clock import Clock
    from gatespec.read_ports import VaultOp, VaultState

AWAY = VaultWord(0, "away")
SILENT = VaultWord(None, "away")
ABSENT = VaultWord(0, "absent")


class PlayedVault:
    """Secrets by their paths, and who asked for them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secrets: dict[str, Mapping[str, str]] = {}
        self.state: VaultState = "well"
        self.reads: list[VaultRead] = []
        """What it saw, in order; also what it did not answer."""

    def forget(self) -> None:
        """Begin a story: it is empty, and well."""
        self._secrets.clear()
        self.reads.clear()
        self.state = "well"

    def put(self, path: str, fields: Mapping[str, str]) -> None:
        """Keep a secret from now on."""
        self._secrets[path] = fields

    def delete(self, path: str) -> None:
        """Keep it no longer."""
        self._secrets.pop(path, None)

    def ask(self, instance: int, op: VaultOp, path: str) -> VaultWord:
        """Answer a question that begins now."""
        word = self._word(op, path)
        self.reads.append(VaultRead(path, self._clock.now_ms(), answered=word.state != "away", instance=instance))
        return word

    def _word(self, op: VaultOp, path: str) -> VaultWord:
        if self.state != "well":
            return SILENT if self.state == "hanging" else AWAY
        if op == "read":
            fields = self._secrets.get(path)
            return ABSENT if fields is None else VaultWord(0, "found", fields)
        inside = [other.removeprefix(f"{path}/") for other in self._secrets if other.startswith(f"{path}/")]
        names = tuple(dict.fromkeys(rest.partition("/")[0] + ("/" if "/" in rest else "") for rest in inside))
        return VaultWord(0, "found", names=names) if names else ABSENT
