"""What a driver can do: the one surface through which chapters reach whatever is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.clock import Clock

Kind = Literal["user", "key", "agent", "service", "ip"]
Plan = Literal["free", "pro", "enterprise"]
Tier = Literal["component", "wire", "real-time"]
Binding = Literal["pure", "redis", "http", "cluster"]
"""What a tier runs on: in process on memory or on a real Redis; over HTTP, with one Redis or a Redis Cluster behind."""
CLUSTER_NODES = 3
"""The masters of that cluster: the fewest that can agree on a failure."""


@dataclass(frozen=True)
class Identity:
    """Somebody who is limited, and what proves it."""

    kind: Kind
    name: str
    """The subject, key id or address, without its kind."""
    plan: Plan
    headers: tuple[tuple[str, str], ...] = ()
    """What proves the identity on the wire; empty in process, where the credential itself is handed over."""

    @property
    def id(self) -> str:
        """As the contract writes it: `user:{sub}`, `ip:{address}`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Span:
    """An observation's interval in ms: the gateway acted at some moment in [sent, heard]."""

    sent_ms: int
    heard_ms: int


@dataclass(frozen=True)
class Request:
    """One request of one identity to one instance."""

    identity: Identity
    instance: int = 0
    method: str = "GET"
    path: str = "/api/v2/providers"
    headers: tuple[tuple[str, str], ...] = ()
    address: str = ""
    """For an `ip` identity: which of its addresses speaks, where it has several (IPv6 by /64); empty: its name."""
    delay_ms: int = 0
    """How long after the batch's start it is sent; 0 is at once."""
    body: str = ""
    """What it carries; its type is said by a header."""


@dataclass(frozen=True)
class Exchange:
    """A request and what came back; `status` is None where nothing came in time: then it may have happened."""

    request: Request
    span: Span
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; repeated fields joined by a comma, as RFC 9110 reads them."""
    body: bytes = b""


class Gateway(Protocol):
    """Whatever is judged, with one or more instances that share their stores."""

    @property
    def tier(self) -> Tier:
        """How it is reached."""

    @property
    def binding(self) -> Binding:
        """What the tier runs on."""

    @property
    def instances(self) -> int:
        """How many there are."""

    @property
    def clock(self) -> Clock:
        """The clock of all spans."""

    def begin(self) -> None:
        """Set the scene for a new story: a clock of the driver's own stands at the start of a minute, and all agree."""

    def fresh(self, kind: Kind, plan: Plan) -> Identity:
        """Return an identity whose window is empty; raise `Untestable` where the door has none of that kind."""

    def play(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send each request at its delay, side by side; answer in the same order, when all are answered."""

    def wait(self, duration_ms: int) -> None:
        """Let time pass, never less than asked."""

    def skew(self, offsets_ms: Sequence[int]) -> bool:
        """Set each instance's own clock off by so much; say whether this driver can."""


class Untestable(Exception):  # noqa: N818 - it is a verdict, not an error
    """What this door cannot show; the property's verdict becomes `untestable`, never a pass."""


class ComponentDriver(Protocol):
    """What a gateway offers for the component tier; loaded by name, so it shares no code with the judge.

    The class named by `component_driver` in the target file is called with keywords only:
    `clock` (`now_ms()`; the shared store's clock), `instances`, `settings` (contract names to text, as in the
    environment) and `redis_url` (None: the pure core over an in-memory store). Each instance reads its own clock off
    by `skew_ms[instance]`.
    """

    skew_ms: list[int]

    def request(
        self,
        instance: int,
        method: str,
        path: str,
        headers: Mapping[str, str],
        credential: Mapping[str, Any],
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer `(status, headers, body)`; `credential` is a proven `{kind, name, plan}`, as from a verified token."""

    def close(self) -> None:
        """Give back what was opened, and leave nothing of this driver in Redis."""
