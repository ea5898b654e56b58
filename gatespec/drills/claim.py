"""What a claim of a drill is, and what claims have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from gatespec.checkers.answers import READ_PATH
from gatespec.drills.phases import touches, windows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.checkers.findings import Breach
    from gatespec.drills.phases import Window
    from gatespec.history import Example
    from gatespec.ports import Exchange

AWAY = 503
FOUND_BACK_MS = 5_000
"""How long a gateway may take to find a service again: the contract names no bound."""
PROBLEM = "application/problem+json"
Claim: TypeAlias = "Callable[[Example, int], Iterator[Breach]]"
"""Given the record and within how many ms the drill must have healed."""
Mark: TypeAlias = "Callable[[Example], int]"
"""How often something was seen, without which nothing is concluded; its name is the function's."""


@dataclass(frozen=True)
class Gone:
    """When which instance was killed or stopped, and could not answer."""

    windows: list[Window]

    @classmethod
    def of(cls, example: Example) -> Gone:
        """Read from what was done to the stage."""
        return cls([w for w in windows_of(example) if w.how in {"killed", "paused"} and w.what == "life"])

    def excuses(self, exchange: Exchange) -> bool:
        """Whether whoever was asked may have been gone."""
        mine = [w for w in self.windows if w.whom == str(exchange.request.instance)]
        return touches(mine, exchange.span.sent_ms, exchange.span.heard_ms)


def reads_in(example: Example) -> Iterator[tuple[int, Exchange]]:
    """Every read of offers, also one without an answer, by its place."""
    for place, exchange in enumerate(example.exchanges):
        if exchange.request.path.startswith(f"{READ_PATH}?") and exchange.request.method == "GET":
            yield place, exchange


def asked_at(example: Example, path: str, method: str = "GET") -> Iterator[tuple[int, Exchange]]:
    """Every request to a path, by its place."""
    for place, exchange in enumerate(example.exchanges):
        if exchange.request.path == path and exchange.request.method == method:
            yield place, exchange


def said(exchange: Exchange) -> str:
    """As a breach names it."""
    return "not answered" if exchange.status is None else f"answered {exchange.status}"
