"""The words that the chapters of the read path share: providers come, somebody reads, a provider fails, time passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, cast
from urllib.parse import urlencode

from hypothesis import strategies as st

from gatespec.checkers.answers import READ_PATH
from gatespec.checkers.calls import Times
from gatespec.engine.story import StoryMachine
from gatespec.ports import Identity, Request
from gatespec.read_ports import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.ports import Exchange
    from gatespec.read_ports import Failing, ReadGateway, Shape

Mood = Literal["quick", "brisk", "slow", "hangs", "fails", "resets", "babbles"]

MOODS: dict[Mood, tuple[int, Failing]] = {
    "quick": (0, ""),
    "brisk": (400, ""),
    "slow": (1500, ""),
    "hangs": (0, "hang"),
    "fails": (0, "status"),
    "resets": (100, "reset"),
    "babbles": (100, "undecodable"),
}
"""A provider's latency in thousandths of the deadline, and how it fails."""
FAILING: tuple[Mood, ...] = ("hangs", "fails", "resets", "babbles")
UNHINDERED = {
    "GATEWAY_RATE_ENTERPRISE": "100000",
    "GATEWAY_POLL_S": "0",
    "GATEWAY_HEALTH_INTERVAL_S": "0",
    "GATEWAY_BREAKER_WINDOW": "1000",
    "GATEWAY_XFETCH_BETA": "0",
}
"""No limit, poll, probe, breaker or early refresh gets in the way: each has a property of its own."""
PAGE_MAX = 100
INSTANCES = st.integers(0, 1)
SEEDS = st.integers(0, 15)
"""Few, for each drawn number takes of what Hypothesis has for the story."""


class ReadMachine(StoryMachine):
    """A reader whom no limit meets, before providers that nobody read yet."""

    probes_matter: ClassVar[bool] = False
    """Whether the chapter judges probes: else nobody asks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.providers: tuple[str, ...] = ()
        self.reader = Identity("user", "nobody", "enterprise")

    @property
    def gateway(self) -> ReadGateway:
        """Whatever is judged, with its surroundings."""
        return cast("ReadGateway", self.stage.gateway)

    @property
    def times(self) -> Times:
        """The contract's times as this gateway has them."""
        return Times.of(self.example.context.settings)

    def arrive(self, count: int, shape: Shape = PLAIN) -> None:
        """Bring a reader and providers of that shape, beside those that came before."""
        self.reader = self.gateway.fresh("user", "enterprise")
        self.providers += self.gateway.fresh_providers(count, shape)

    def named(self, places: Iterable[int]) -> tuple[str, ...]:
        """Providers of this story, each once."""
        return tuple(dict.fromkeys(self.providers[place % len(self.providers)] for place in places))

    def read(self, names: Sequence[str], instance: int = 0, delay_ms: int = 0) -> Request:
        """A read of these providers; the page is as large as can be, so that all are on it."""
        words = [*(("provider", name) for name in names), ("limit", PAGE_MAX)]
        path = f"{READ_PATH}?{urlencode(words)}"
        return Request(self.reader, instance % self.gateway.instances, "GET", path, delay_ms=delay_ms)

    def read_everywhere(self, names: Sequence[str], each: int) -> list[Exchange]:
        """Let every instance be asked by so many, all at once."""
        places = range(each * self.gateway.instances)
        return self.ask(*(self.read(names, place) for place in places))

    def become(self, name: str, mood: Mood) -> None:
        """Let a provider answer so from now on."""
        permille, failing = MOODS[mood]
        self.gateway.provider(name, latency_ms=self.times.deadline_ms * permille // 1000, failing=failing)

    def let_age(self, permille: int, of_ms: int | None = None) -> None:
        """Let time pass until the newest call began so many thousandths of a TTL ago, or of another time."""
        began = max((call.began_ms for call in self.example.calls), default=None)
        if began is not None:
            age_ms = self.gateway.clock.now_ms() - began
            self.gateway.wait(max(0, -(-(of_ms or self.times.ttl_ms) * permille // 1000) - age_ms))

    def settle(self) -> None:
        """Wait until the providers have seen all that must be on their record; nothing here."""

    def judge(self) -> None:
        """Take over what the providers saw and what was done to the stage, and judge."""
        self.settle()
        self.example.calls = list(self.gateway.calls(self.providers))
        self.example.probes = list(self.gateway.probe_calls(self.providers)) if self.probes_matter else []
        self.example.disturbances = [replace(done) for done in self.gateway.disturbances]
        self.example.lag_ms = self.stage.lag_ms()
        super().judge()
