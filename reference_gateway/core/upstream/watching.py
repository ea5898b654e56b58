"""Who wants to know how calls went: for metrics, for logs, for the page that tells how providers are."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.core.upstream.ports import State, Why

OK: Final = "ok"
STEADY_MS: Final = 100
"""By how much two clocks may differ about one moment."""
Rejection = Literal["open", "trials", "held", "paced", "queue-full", "no-place", "no-credential"]
"""Why a call never began; the last three are of this instance alone."""


class Watcher(Protocol):
    """Is told what happens between this instance and the providers."""

    def attempted(self, provider: str, endpoint: int, kind: str, took_ms: int, *, tells: bool) -> None:
        """One attempt ended: `ok`, or the kind of its failure.

        `tells` is whether that says how the provider is, and not just what it thinks of one user's credential.
        """

    def ended(self, provider: str, kind: str, took_ms: int, *, tells: bool) -> None:
        """One call ended, likewise."""

    def rejected(self, provider: str, why: Why | Rejection) -> None:
        """One call never began."""

    def heard(self, provider: str, state: State) -> None:
        """The breaker is said to be so now."""

    def probed(self, provider: str, endpoint: int, *, well: bool) -> None:
        """One probe ended."""


@dataclass
class Seen:
    """The newest that this instance saw of an endpoint, or of a provider."""

    outcome: str | None = None
    at_ms: int | None = None
    """When, by the wall clock."""


@dataclass
class Memory:
    """What this instance saw of one provider."""

    call: Seen = field(default_factory=Seen)
    took_ms: deque[int] = field(default_factory=lambda: deque(maxlen=10))
    """Of its last calls: the contract's window for latency."""
    endpoints: dict[int, Seen] = field(default_factory=dict)
    state: State = "closed"
    """As it was last heard."""
    probed_ms: dict[int, int] = field(default_factory=dict)
    """When each endpoint was last probed by any instance, by the wall clock."""

    def steady(self, endpoint: int, probed_ms: int) -> int:
        """Say the same moment of the same probe each time: it is told as an age, by another clock."""
        if probed_ms - self.probed_ms.get(endpoint, 0) > STEADY_MS:
            self.probed_ms[endpoint] = probed_ms
        return self.probed_ms[endpoint]


class Witness:
    """The port `Watcher` of who remembers the newest of everything."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._memories: dict[str, Memory] = {}

    def of(self, provider: str) -> Memory:
        """Tell what was seen of a provider."""
        return self._memories.setdefault(provider, Memory())

    def attempted(self, provider: str, endpoint: int, kind: str, took_ms: int, *, tells: bool) -> None:  # noqa: ARG002 - the port's
        """As the port."""
        if tells:
            self.of(provider).endpoints[endpoint] = Seen(kind, self._wall_ms())

    def ended(self, provider: str, kind: str, took_ms: int, *, tells: bool) -> None:
        """As the port."""
        if not tells:
            return
        memory = self.of(provider)
        memory.call = Seen(kind, self._wall_ms())
        memory.took_ms.append(took_ms)

    def rejected(self, provider: str, why: Why | Rejection) -> None:
        """As the port."""

    def heard(self, provider: str, state: State) -> None:
        """As the port."""
        self.of(provider).state = state

    def probed(self, provider: str, endpoint: int, *, well: bool) -> None:
        """As the port."""
