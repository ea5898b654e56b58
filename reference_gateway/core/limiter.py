"""The rate limit's words and its pure half: plans, the port to a shared store, and this instance's own windows."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reference_gateway.core.identity import PLANS
from reference_gateway.core.window import Decision, Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

MICROSECONDS = 1_000_000
WINDOW_MAX_US = 86_400 * MICROSECONDS
"""A day: past it a limit is a quota, which belongs in a database."""
LIMIT_MAX = 1_000_000
"""Each admission of a window is one member in the store, so this bounds a key at about 100 MB."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one plan allows: `limit` admissions in any `window_us` microseconds."""

    plan: str
    limit: int
    window_us: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The plans' limits, as the settings GATEWAY_RATE_* give them; raises ValueError out of bounds."""

    window_us: int = MICROSECONDS
    free: int = 10
    pro: int = 100
    enterprise: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.window_us <= WINDOW_MAX_US:
            raise ValueError(f"the window must last from 1 to {WINDOW_MAX_US} microseconds, found {self.window_us}")
        for plan in PLANS:
            if not 1 <= (limit := getattr(self, plan)) <= LIMIT_MAX:
                raise ValueError(f"the limit of {plan} must be from 1 to {LIMIT_MAX}, found {limit}")

    def policy(self, plan: str) -> Policy:
        """Look up one of `PLANS`."""
        return Policy(plan, {"free": self.free, "pro": self.pro, "enterprise": self.enterprise}[plan], self.window_us)


def microseconds(seconds: Decimal) -> int:
    """Convert exactly; raises ValueError where a setting is finer than a microsecond."""
    scaled = seconds * MICROSECONDS
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"expected seconds with at most 6 decimals, found {seconds}")
    return int(scaled)


class Ask(NamedTuple):
    """One request's question to a store: whether the window `key` takes one more.

    A tuple, for it is made and hashed with every request: a dataclass takes three times as long for either.
    """

    key: str
    limit: int
    window_us: int


class StoreAway(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """The store gave no decision: unreachable, hanging, or unwilling. The ask may or may not have counted there."""


class WindowStore(Protocol):
    """Windows that all instances share, on one or several servers."""

    def server(self, key: str) -> str:
        """Name the server that decides on `key`; what fails there says nothing about the others."""

    async def decide(self, server: str, asks: Sequence[Ask]) -> list[Decision]:
        """Decide on all asks of one server in one journey, in their order; raises `StoreAway`."""

    async def probe(self, server: str, key: str) -> None:
        """Return if `server` works, or no longer decides on `key`, of which it failed; raises `StoreAway`."""

    async def close(self) -> None:
        """Give back every connection."""


class LocalWindows:
    """The windows of what this instance itself admitted, whoever decided it.

    They decide while the shared store is away, and because the store's decisions are noted here too, an instance never
    admits more than the limit in any window, across every switch: all together at most instances x limit.
    """

    def __init__(self, identities_max: int = 100_000, admissions_max: int = 2_000_000) -> None:
        """Keep at most so many; beyond that the identity idle for longest is forgotten, in about 80 MB at worst.

        Forgetting can admit somebody twice while the store is away. Refusing instead would let a crowd of new
        identities lock out the others.
        """
        self._identities_max = identities_max
        self._admissions_max = admissions_max
        self._admissions = 0
        self._windows: OrderedDict[str, tuple[Window, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def admissions(self) -> int:
        """How many admissions are kept over all identities."""
        return self._admissions

    def admit(self, ask: Ask, now_us: int) -> Decision:
        """Decide on one ask by this instance's own admissions, and note it if it is admitted."""
        window = self._pruned(ask, now_us)
        before = len(window.admitted_us)
        decision = window.admit(now_us, ask.limit, ask.window_us)
        self._admissions += len(window.admitted_us) - before
        self._bound(now_us)
        return decision

    def note(self, ask: Ask, now_us: int, times: int = 1) -> None:
        """Remember admissions that the shared store decided on."""
        self._pruned(ask, now_us).admitted_us.extend([now_us] * times)
        self._admissions += times
        self._bound(now_us)

    def release(self, ask: Ask, at_us: int) -> None:
        """Take back what was admitted at `at_us`: the shared store said no."""
        kept = self._windows.get(ask.key)
        if kept is not None and at_us in kept[0].admitted_us:
            kept[0].admitted_us.remove(at_us)
            self._admissions -= 1

    def _pruned(self, ask: Ask, now_us: int) -> Window:
        window = self._windows[ask.key][0] if ask.key in self._windows else Window()
        before = len(window.admitted_us)
        window.prune(now_us, ask.window_us)
        self._admissions -= before - len(window.admitted_us)
        self._windows[ask.key] = (window, ask.window_us)
        self._windows.move_to_end(ask.key)
        return window

    def _bound(self, now_us: int) -> None:
        """Forget up to two idle identities, so that the idle go faster than new ones come; then keep the bounds."""
        for _ in range(2):
            window, window_us = next(iter(self._windows.values()))
            if window.admitted_us and window.admitted_us[-1] > now_us - window_us:
                break
            self._forget_oldest()
            if not self._windows:
                return
        while len(self._windows) > self._identities_max or self._admissions > self._admissions_max:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, (window, _) = self._windows.popitem(last=False)
        self._admissions -= len(window.admitted_us)
