"""The component driver that the target file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.conformance.limits import LimitedGateway
from reference_gateway.conformance.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.conformance.vault import AskVault
    from reference_gateway.conformance.world import Ask


class Reference(LimitedGateway):
    """Some instances of the gateway: requests that are answered at once, and reads that take time."""

    reads_kind: type[Reads] = Reads

    def open_reads(self, *, ask: Ask, left: Callable[[int], None], dice: Callable[[], float], vault: AskVault) -> Reads:
        """Open the read path, with providers, Vault and dice of the judge's own."""
        return self.reads_kind(self, ask=ask, left=left, dice=dice, vault=vault, redis_url=self.redis_url)
