"""Credentials by their marks: whose each is and which of his, without ever saying the secret itself."""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import TYPE_CHECKING

from gatespec.providers.ledger import fingerprint
from gatespec.read_ports import HOUSE, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping


class Marks:
    """Every credential of a story's providers: `house:0` is the one that Vault holds from the beginning."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        self._marks: dict[tuple[str, str], str] = {}
        self._accepted: dict[str, list[str]] = {}
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)

    def forget(self) -> None:
        """A story begins."""
        for memory in (self._texts, self._marks, self._accepted, self._counts):
            memory.clear()

    def begin(self, provider: str, credential: Mapping[str, str]) -> None:
        """Name what Vault holds for a provider from the beginning."""
        self._keep(provider, HOUSE, list(credential.values())[-1])

    def new(self, provider: str, owner: str) -> tuple[str, Mapping[str, str]]:
        """Make another credential of the house's or of a user's (`user:ann`), which the provider accepts too."""
        text = f"gs-{secrets.token_hex(16)}"
        return self._keep(provider, owner, text), {"api_key": text}

    def refuse(self, provider: str, mark: str) -> None:
        """Have the provider accept one no longer."""
        self._accepted[provider].remove(self._texts[provider, mark])

    def accepted(self, provider: str) -> list[str]:
        """What the provider accepts, as a script says it."""
        return list(self._accepted[provider])

    def of(self, provider: str, presented: str) -> str:
        """The mark of what was presented, or of its fingerprint; empty for nothing."""
        if not presented:
            return ""
        return self._marks.get((provider, presented), UNKNOWN if provider in self._accepted else "")

    def _keep(self, provider: str, owner: str, text: str) -> str:
        mark = f"{owner}:{self._counts[provider, owner]}"
        self._counts[provider, owner] += 1
        self._texts[provider, mark] = text
        self._accepted.setdefault(provider, []).append(text)
        for shown in (text, fingerprint(text)):
            self._marks[provider, shown] = mark
        return mark
