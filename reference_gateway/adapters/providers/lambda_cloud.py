"""Lambda Cloud, API v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

    from reference_gateway.adapters.providers.port import ListCall, Listing


class LambdaCloud:
    """Lambda's list is one request."""

    async def list_offers(self, session: aiohttp.ClientSession, call: ListCall) -> Listing:
        """Every offer, from GET /api/v1/instance-types."""
        raise NotImplementedError
