"""The port that every provider's adapter fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from reference_gateway.core.credentials.ports import Credential
    from reference_gateway.core.credentials.secret import Secret
    from reference_gateway.core.offer import Offer

Result = TypeVar("Result")


class FailureKind(StrEnum):
    """Why a call failed; the breaker and the answer's warnings go by it."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    STATUS = "status"
    LIMITED = "limited"
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
class WireRequest:
    """One HTTP request; `path` (with its query) is appended to the endpoint's scheme and host."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names as they are sent; they may hold a credential."""
    method: Literal["GET", "POST"] = "GET"
    body: bytes = field(default=b"", repr=False)


class Wire(Protocol):
    """The way to one endpoint of one provider, for one call: bounded in time and bytes, no redirects followed."""

    async def send(self, request: WireRequest, read: Callable[[object], Result]) -> Result:
        """Return what `read` makes of the decoded JSON body of a 200 (numbers as int or Decimal).

        Raises `ProviderFailed`, and whatever `read` raises. A large body is decoded and read in a thread of its own.
        """


@dataclass(slots=True)
class Token:
    """An access token that an adapter bought with a credential, and until when it may be used (wall clock, ms)."""

    secret: Secret
    until_ms: int


@dataclass(frozen=True, slots=True)
class ListCall:
    """One list operation: of which provider, with what, over which wire.

    `now_ms` reads the wall clock (ms since 1970) when the answer is there: its offers are of that moment. `tokens`
    outlive the call: this instance's memory of what adapters bought, by a name of the adapter's own.
    """

    provider: str
    credential: Credential
    wire: Wire
    now_ms: Callable[[], int]
    tokens: MutableMapping[str, Token] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a provider offers now, each id once, and how many malformed items were left out."""

    offers: tuple[Offer, ...]
    left_out: int


class ProviderAdapter(Protocol):
    """Speaks one provider's API. It knows no HTTP library: one adapter serves the event loop and a stepped clock."""

    @property
    def probe_path(self) -> str:
        """What a health probe asks with GET; never the list."""

    @property
    def credential_fields(self) -> tuple[str, ...]:
        """What the credential must have."""

    @property
    def polled_only(self) -> bool:
        """Whether a list takes too long for a read to wait for: only the poller calls, each request in the time-out."""

    async def list_offers(self, call: ListCall) -> Listing:
        """Every offer of the provider; raises `ProviderFailed`, and nothing else."""

    async def probe(self, call: ListCall) -> None:
        """Ask for `probe_path`; raises `ProviderFailed` where the endpoint does not answer as it should."""
