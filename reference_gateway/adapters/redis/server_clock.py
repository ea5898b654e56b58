"""A server's clock, as far as its answers tell: the latest moment at which it may still act on what we send now."""

from __future__ import annotations

from dataclasses import dataclass

DRIFT_DIVISOR = 1000
"""A server's clock gains at most a millisecond a second on ours: NTP slews half as fast."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    """How far a server's clock is ahead of ours at most.

    It read its clock after we sent, so what we see is too much by the time that took; the least that we ever saw is
    the closest. Too much lets a late call count; too little would lose calls that came in time.
    """

    by_us: int
    at_us: int

    def or_tighter(self, known: _Ahead | None) -> _Ahead:
        """Keep what is known while it is less, drift allowed for."""
        if known is None:
            return self
        drifted_us = known.by_us + (self.at_us - known.at_us) // DRIFT_DIVISOR
        return self if self.by_us <= drifted_us else _Ahead(drifted_us, self.at_us)


class ServerClock:
    """What is known of one server's clock."""

    def __init__(self, budget_us: int) -> None:
        """`budget_us` is how long a caller waits for an answer."""
        self._budget_us = budget_us
        self._ahead: _Ahead | None = None

    def learn(self, server_us: int, sent_us: int) -> None:
        """Take note of the clock in an answer to what was sent at `sent_us`."""
        self._ahead = _Ahead(server_us - sent_us, sent_us).or_tighter(self._ahead)

    def relearn(self, server_us: int, sent_us: int) -> None:
        """The same from a server that called us late: what we knew of its clock may be wrong."""
        self._ahead = _Ahead(server_us - sent_us, sent_us)

    def last_us(self, now_us: int) -> int:
        """Name the moment, by the server's clock, at which our caller gives up; 0 while that clock is not known."""
        return 0 if self._ahead is None else now_us + self._ahead.by_us + self._budget_us
