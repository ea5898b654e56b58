"""How one endpoint of a provider is: by the attempts that calls made there, and by its probes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reference_gateway.core.upstream.ports import EndpointState, Rules

LAST = 10
"""Attempts whose mean counts. Fewer say nothing yet: one cold connection must not halve an endpoint."""
FAILURES_OUT = 3
"""Failed attempts in a row that take it out."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is remembered of it."""

    took_ms: tuple[int, ...] = ()
    """Of its last attempts, oldest first, failed ones too."""
    failures: int = 0
    """In a row, up to now."""
    out_ms: int | None = None
    """When it was last taken out; None: it was not, or a probe brought it back."""
    checked_ms: int | None = None
    """When its last probe ended."""

    def attempted(self, took_ms: int, now_ms: int, *, failed: bool) -> Endpoint:
        """Count an attempt. One that succeeds ends the row of failures, but only a probe brings back what is out."""
        failures = self.failures + 1 if failed else 0
        out_ms = now_ms if failures >= FAILURES_OUT else self.out_ms
        return replace(self, took_ms=(*self.took_ms, took_ms)[-LAST:], failures=failures, out_ms=out_ms)

    def probed(self, now_ms: int, *, well: bool) -> Endpoint:
        """Take it out, or back in."""
        if well:
            return replace(self, failures=0, out_ms=None, checked_ms=now_ms)
        return replace(self, out_ms=now_ms, checked_ms=now_ms)

    def state(self, rules: Rules, now_ms: int) -> EndpointState:
        """Say how it is now."""
        mean_ms = sum(self.took_ms) / len(self.took_ms) if self.took_ms else None
        return EndpointState(
            is_out=self._is_out(rules, now_ms),
            is_slow=len(self.took_ms) == LAST and sum(self.took_ms) > rules.slow_ms * LAST,
            latency_ms=mean_ms,
            checked_ago_ms=None if self.checked_ms is None else max(0, now_ms - self.checked_ms),
        )

    def _is_out(self, rules: Rules, now_ms: int) -> bool:
        """Without probes time brings it back, or a clock that stepped back; its row of failures goes on."""
        if self.out_ms is None:
            return False
        return not rules.retry_out_ms or self.out_ms <= now_ms < self.out_ms + rules.retry_out_ms

    def shifted(self, by_ms: int) -> Endpoint:
        """Say the same by a clock that is ahead by so much."""
        out_ms = None if self.out_ms is None else self.out_ms + by_ms
        checked_ms = None if self.checked_ms is None else self.checked_ms + by_ms
        return replace(self, out_ms=out_ms, checked_ms=checked_ms)
