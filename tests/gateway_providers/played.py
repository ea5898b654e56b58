"""A wire without a network: a call steps from answer to answer, as it does under a clock that is not the wall's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from reference_gateway.adapters.providers import ADAPTERS, FailureKind, ListCall, ProviderFailed, Token
from reference_gateway.adapters.providers.wire import decode
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_providers.tables import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.providers import Listing, WireRequest
    from reference_gateway.adapters.providers.port import Result
    from reference_gateway.core.credentials.ports import Credential
    from tests.gateway_providers.tables import Table, TableProvider


@dataclass
class PlayedWire:
    """Decodes what a provider of the tables answers; whatever is no 200 is a failure of its status."""

    provider: TableProvider

    async def send(self, request: WireRequest, read: Callable[[object], Result]) -> Result:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        status, body = self.provider.answer(Asked(request.method, parts.path, query, request.headers, request.body))
        if status != 200:
            kind = FailureKind.CREDENTIAL if status in (401, 403) else FailureKind.STATUS
            raise ProviderFailed(kind, f"status {status}", status=status)
        return read(decode(body))


@dataclass
class Calls:
    """Calls to one provider, with one memory of tokens and a clock that stands still."""

    provider: TableProvider
    name: str = ""
    """The provider's own, where it is not his adapter's."""
    now_ms: int = 0
    tokens: dict[str, Token] = field(default_factory=dict)

    def list_offers(self, credential: Credential | None = None) -> Listing:
        """Step one list to its end; an adapter awaits nothing but its wire."""
        table = self.provider.table
        call = ListCall(
            self.name or table.adapter,
            credential or credential_of(table),
            PlayedWire(self.provider),
            lambda: self.now_ms,
            self.tokens,
        )
        listing = ADAPTERS[table.adapter].list_offers(call)
        try:
            listing.send(None)
        except StopIteration as ended:
            found: Listing = ended.value
            return found
        raise AssertionError("it waits for something that is not its wire")


def credential_of(table: Table) -> Credential:
    """The one that the table's provider accepts."""
    said = table.said["development_credential"]
    return {name: Secret(text) for name, text in (said if isinstance(said, dict) else {"api_key": said}).items()}
