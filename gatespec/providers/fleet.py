"""What the server's rooms share: all simulated providers and the one ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

from gatespec.providers.ledger import Ledger
from gatespec.providers.simulator import Provider, default_opening

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

PROVIDERS_MAX = 20_000
"""Each takes a kilobyte, and every lane of a run may ask for hundreds, and again for hundreds."""

Opening: TypeAlias = "tuple[str, date]"
"""A price series and one of its days."""


@dataclass(frozen=True)
class Fleet:
    """Every provider by name, and what they were asked."""

    opening: Opening | None = None
    """The price series and day on which every provider begins; None: each API on its own."""
    providers: dict[str, Provider] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    def enlist(self, names: Iterable[str], adapter: str = "lambda") -> None:
        """Simulate these too, each on the opening prices; one that is known already stays as it is."""
        opening = self.opening or default_opening(adapter)
        for name in names:
            self.providers.setdefault(name, Provider(name, *opening, adapter=adapter))


FLEET = web.AppKey("fleet", Fleet)
