"""How long whoever guessed wrong must wait: not at all for the first few tries, then twice as long each time.

A try is counted before it is verified, so that guesses side by side cannot slip through together; a right one takes
its count back. Source: OWASP Authentication Cheat Sheet (lock-out with back-off), NIST SP 800-63B section 5.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Rules:
    """What wrong tries cost."""

    free: int
    """Tries in a row that cost nothing."""
    first_ms: int
    """The wait after the first that does; each further one doubles it."""
    longest_ms: int
    """No wait is longer: whoever guesses must not keep the owner out for good."""
    forget_ms: int
    """After so long without a try all are forgotten."""


OF_NAME: Final = Rules(free=5, first_ms=1_000, longest_ms=300_000, forget_ms=900_000)
"""About one name, whether anybody has it or not: five typing errors happen."""
OF_ADDRESS: Final = Rules(free=20, first_ms=1_000, longest_ms=300_000, forget_ms=900_000)
"""From one address, whatever names are tried (spraying): an office shares an address."""


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries that are not forgotten."""

    count: int = 0
    last_ms: int = 0


def wait_ms(tries: Tries, rules: Rules, now_ms: int) -> int:
    """Return how long to wait until the next try; 0 where it may be now."""
    over = tries.count - rules.free
    if over < 0 or now_ms - tries.last_ms >= rules.forget_ms:
        return 0
    # an exponent beyond the longest wait would only make a number of a thousand digits
    doubled = rules.first_ms << min(over, rules.longest_ms.bit_length())
    return max(0, tries.last_ms + min(doubled, rules.longest_ms) - now_ms)


def tried(tries: Tries, rules: Rules, now_ms: int) -> Tries:
    """Count a try that may be."""
    if now_ms - tries.last_ms >= rules.forget_ms:
        return Tries(1, now_ms)
    return Tries(tries.count + 1, now_ms)


def taken_back(tries: Tries) -> Tries:
    """Uncount a try that was right."""
    return replace(tries, count=max(0, tries.count - 1))
