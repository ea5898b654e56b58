"""The port that every provider's adapter fills."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from reference_gateway.adapters.credentials import Credential
    from reference_gateway.core.offer import Offer


class FailureKind(StrEnum):
    """Why a call failed; the breaker and the answer's warnings go by it."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    STATUS = "status"
    UNDECODABLE = "undecodable"
    CREDENTIAL = "credential"


class ProviderFailed(Exception):  # noqa: N818 - it is the sentence that the log says
    """A call that brought no offers; its text holds neither credential nor anything that the provider said.

    `status` is the HTTP status where there was one, `retry_after_s` what a 429 or 503 asked for, in whole seconds.
    """

    def __init__(
        self, kind: FailureKind, detail: str, *, status: int | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class ListCall:
    """One list operation: of which provider, at which endpoint (scheme and host), with what, within how many seconds.

    `now_ms` reads the wall clock (ms since 1970) when the answer is there: its offers are of that moment.
    """

    provider: str
    endpoint: str
    credential: Credential
    deadline_s: float
    now_ms: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a provider offers now, each id once, and how many malformed items were left out."""

    offers: tuple[Offer, ...]
    left_out: int


class ProviderAdapter(Protocol):
    """Speaks one provider's API."""

    async def list_offers(self, session: aiohttp.ClientSession, call: ListCall) -> Listing:
        """Every offer of the provider; raises `ProviderFailed`, and nothing else, within the call's deadline."""
