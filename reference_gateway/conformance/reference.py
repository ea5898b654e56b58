"""The component driver that the target file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.conformance.limits import LimitedGateway
from reference_gateway.conformance.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.conformance.world import Upstream


class Reference(LimitedGateway):
    """Some instances of the gateway: requests that are answered at once, and reads that take time."""

    reads_kind: type[Reads] = Reads

    def open_reads(
        self, *, call: Callable[[int, str], Upstream], dice: Callable[[], float], providers: Callable[[str], bool]
    ) -> Reads:
        """Open the read path, with providers and dice of the judge's own."""
        return self.reads_kind(self, call=call, dice=dice, providers=providers, redis_url=self.redis_url)
