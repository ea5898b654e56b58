"""When Redis was how, by what was done to it: surely, or not surely."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from gatespec.checkers.calls import Times, allowance_ms
from gatespec.ports import CLUSTER_NODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.history import Example

FOUND_BACK_MS = 5_000
"""How long after its return Redis may still be taken for away: P01's bound `found back`."""
WELL = "well"


@dataclass(frozen=True)
class Phase:
    """A stretch of time in which Redis was surely so: from when it had taken effect until the next change began."""

    state: str
    from_ms: float
    to_ms: float
    bit: int | None = None
    """How often a fault had shown itself by its end, where somebody counts."""

    def holds(self, from_ms: float, to_ms: float) -> bool:
        """Whether it surely was so all the time between."""
        return self.from_ms <= from_ms and to_ms < self.to_ms


@dataclass(frozen=True)
class StoreTimes:
    """Redis, from the story's beginning, when it was well, to its end."""

    phases: Sequence[Phase]
    servers: int = 1
    """How many it is made of: of a cluster each has keys of its own, and is known to be away by itself."""
    in_time: bool = True
    """Whether the machine let it answer within its budget; where not, a gateway may take it for one that hangs."""

    @classmethod
    def of(cls, example: Example) -> StoreTimes:
        """Read them from what was done to the stage."""
        changes = [done for done in example.disturbances if done.what == "store"]
        starts = [(WELL, -inf), *((done.how, float(done.done_ms)) for done in changes)]
        ends: list[tuple[float, int | None]] = [*((float(done.began_ms), done.bit) for done in changes), (inf, None)]
        pairs = zip(starts, ends, strict=True)
        phases = [Phase(state, from_ms, to_ms, bit) for (state, from_ms), (to_ms, bit) in pairs]
        budget_ms = Times.of(example.context.settings).budget_ms
        in_time = allowance_ms(example) < budget_ms
        return cls(phases, CLUSTER_NODES if example.context.binding == "cluster" else 1, in_time)

    def phase(self, from_ms: float, to_ms: float) -> Phase | None:
        """The phase in which all of this surely lay."""
        return next((phase for phase in self.phases if phase.holds(from_ms, to_ms)), None)

    def surely_used(self, from_ms: float, to_ms: float) -> bool:
        """Whether Redis was well and in time all the while, and had been for long enough to be found."""
        if not self.in_time:
            return False
        phase = self.phase(from_ms, to_ms)
        return phase is not None and phase.state == WELL and phase.from_ms + FOUND_BACK_MS <= from_ms

    def found_back_since(self, from_ms: float, to_ms: float) -> bool:
        """Whether Redis may have been found back between: what was kept without it may have been dropped then."""
        returns = (phase.from_ms for phase in self.phases[1:] if phase.state == WELL)
        return any(from_ms < at + FOUND_BACK_MS and at <= to_ms for at in returns)

    def outage(self, from_ms: float, to_ms: float) -> tuple[Phase, float] | None:
        """The phase in which it surely was away all the time, and since when it had been away in one state or other."""
        phase = self.phase(from_ms, to_ms)
        if phase is None or phase.state == WELL:
            return None
        since = phase.from_ms
        for earlier in reversed(self.phases[: list(self.phases).index(phase)]):
            if earlier.state == WELL:
                break
            since = earlier.from_ms
        return phase, since
