"""An exact sliding window: how often in the trailing `window_us` somebody was admitted, and whether once more may be.

Time is an argument, in integer microseconds. A window is half-open: at `now`, the admissions in (now - window, now]
count, so one at `t` has left exactly at `t + window`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Decision:
    """What one request was told about its limit."""

    admitted: bool
    remaining: int
    """How many more would be admitted at the same moment; 0 for a refusal."""
    reset_us: int
    """Admitted: until the oldest admission leaves the window. Refused: until the next admission is possible."""


@dataclass(slots=True)
class Window:
    """The admissions of one identity, oldest first; whoever keeps it is its only owner."""

    admitted_us: deque[int] = field(default_factory=deque)

    def admit(self, now_us: int, limit: int, window_us: int) -> Decision:
        """Decide on one request at `now_us`, and count it if it is admitted. Refusals are not counted."""
        self.prune(now_us, window_us)
        free = limit - len(self.admitted_us)
        if free <= 0:
            blocking = self.admitted_us[-free]
            return Decision(admitted=False, remaining=0, reset_us=blocking + window_us - now_us)
        self.admitted_us.append(now_us)
        return Decision(admitted=True, remaining=free - 1, reset_us=self.admitted_us[0] + window_us - now_us)

    def prune(self, now_us: int, window_us: int) -> None:
        """Let go what left the window. Where the clock stepped back, what lies in the future happened now.

        Kept as they are, such admissions would bar the identity for as long as the step; forgotten, they would let
        twice the limit through. Moved to now, they bar it for at most one window more.
        """
        admitted = self.admitted_us
        while admitted and admitted[0] <= now_us - window_us:
            admitted.popleft()
        ahead = 0
        while admitted and admitted[-1] > now_us:
            admitted.pop()
            ahead += 1
        admitted.extend([now_us] * ahead)
