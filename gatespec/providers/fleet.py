"""What the server's rooms share: all simulated providers and the one ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from gatespec.providers.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.providers.simulator import Provider


@dataclass(frozen=True)
class Fleet:
    """Every provider by name, and what they were asked."""

    providers: Mapping[str, Provider]
    ledger: Ledger = field(default_factory=Ledger)


FLEET = web.AppKey("fleet", Fleet)
