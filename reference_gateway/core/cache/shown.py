"""What a read shows of one key, and why it is no more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reference_gateway.core.cache.entry import HOUSE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.status import Step

State = Literal["fresh", "stale", "missing"]
_RANKS = {"missing": 0, "stale": 1, "fresh": 2}


@dataclass(frozen=True, slots=True)
class Shown:
    """One provider's part of an answer."""

    provider: str
    entry: Entry | None
    state: State
    steps: tuple[Step, ...]
    left_ms: int = 0
    """How much longer the entry is fresh."""
    code: str | None = None
    """The warning's: `stale`, or why it is left out; what is fresh has none."""
    detail: str = ""
    timed_out: bool = False
    """Whether a call of it was pending or timed out."""
    owner: str = HOUSE
    """Whose credential read it."""
    unsure: bool = False
    """Whether the reader may have a credential of his own, which nobody could look up yet; the house's read it."""

    @property
    def is_everybodys(self) -> bool:
        """Whether any reader may be shown the same."""
        return self.owner == HOUSE and not self.unsure


def least_fresh(shown: Sequence[Shown]) -> Shown:
    """Return the one that a summary must speak of: what is missing, else what is most stale, else what ends first."""
    return min(shown, key=lambda each: (_RANKS[each.state], each.left_ms))
