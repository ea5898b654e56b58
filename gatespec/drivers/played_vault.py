"""Vault in process: it holds what the judge put there, and answers as it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.read_ports import VaultWord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import VaultOp, VaultState

AWAY = VaultWord(0, "away")
SILENT = VaultWord(None, "away")
ABSENT = VaultWord(0, "absent")


class PlayedVault:
    """Secrets by their paths."""

    def __init__(self) -> None:
        self._secrets: dict[str, Mapping[str, str]] = {}
        self.state: VaultState = "well"

    def forget(self) -> None:
        """Begin a story: it is empty, and well."""
        self._secrets.clear()
        self.state = "well"

    def put(self, path: str, fields: Mapping[str, str]) -> None:
        """Keep a secret from now on."""
        self._secrets[path] = fields

    def delete(self, path: str) -> None:
        """Keep it no longer."""
        self._secrets.pop(path, None)

    def ask(self, instance: int, op: VaultOp, path: str) -> VaultWord:
        """Answer a question that begins now."""
        del instance  # they are told alike
        if self.state != "well":
            return SILENT if self.state == "hanging" else AWAY
        if op == "read":
            fields = self._secrets.get(path)
            return ABSENT if fields is None else VaultWord(0, "found", fields)
        inside = [other.removeprefix(f"{path}/") for other in self._secrets if other.startswith(f"{path}/")]
        names = tuple(dict.fromkeys(rest.partition("/")[0] + ("/" if "/" in rest else "") for rest in inside))
        return VaultWord(0, "found", names=names) if names else ABSENT
