"""What a driver of the read path can do beyond asking: providers in its hand, a store that fails, instances that stop.

One provider is one key of the cache. Providers here price serially: the answer to a provider's n-th list call asks
`SERIAL_BASE_CENTS + n` US cents for its one machine, so every price that a gateway shows names the call it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from gatespec.ports import Gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.ports import Exchange, Identity, Request

SERIAL_BASE_CENTS = 100
"""So that no price is absurdly low: a gateway may leave out what cannot be."""

StoreState = Literal["well", "refusing", "hanging"]
"""Redis answers; refuses connections and cuts those that stand; or keeps them, and says nothing any more."""
Life = Literal["running", "paused", "killed"]
"""An instance works; stands still (SIGSTOP); or is gone (SIGKILL) until it is told to run again."""
Failing = Literal["", "status", "reset", "hang", "undecodable", "unauthorized", "forbidden", "limited"]
"""A provider answers as it should; says 500; resets the connection; never answers; sends what is no JSON; or says 401,
403, 429 (with a `Retry-After` where one is asked for)."""
CallKind = Literal["list", "probe"]
ShardState = Literal["well", "killed"]
"""All nodes of a cluster live; or one that served slots is gone, and its replica took over."""
VaultState = Literal["well", "refusing", "hanging", "sealed"]
"""Vault answers; refuses connections; keeps them and says nothing; or says that it is sealed."""
VaultOp = Literal["read", "list"]
HOUSE, UNKNOWN = "house", "unknown"
"""In the mark of a credential: the gateway's own, as against a user's id; the whole mark of what Vault never held."""


@dataclass(frozen=True)
class Shape:
    """How the providers file declares a provider: what a chapter says of those that it wants."""

    adapter: str = "lambda"
    weights: tuple[float, ...] = (1,)
    """Of its endpoints, in order; an endpoint is named by its place."""
    concurrency: int = 10
    queue: int = 100
    poll_s: float | None = None
    """None: as GATEWAY_POLL_S says."""
    rate_per_s: float | None = None


PLAIN = Shape()


@dataclass(frozen=True)
class UpstreamCall:
    """One list call as its provider saw it."""

    provider: str
    serial: int
    """Which of this provider's list calls it was, from 1 and in order of arrival; failed ones count."""
    began_ms: int
    ended_ms: int | None
    """None while it is in flight."""
    outcome: str
    """`ok` where the provider answered as it should, `in-flight`, else what became of it."""
    endpoint: int = 0
    """At which of the provider's endpoints, by its place."""
    kind: CallKind = "list"
    """A probe is no list call and has the serial 0."""
    instance: int | None = None
    """Who made it; None where the ledger cannot tell."""
    credential: str = ""
    """Which credential it came with, by its mark (`house:0`, `user:ann:1`); `unknown` where Vault never held it, empty
    where none came or nobody keeps marks."""


@dataclass(frozen=True)
class Disturbance:
    """Something that was done to the stage, for the history: what, to whom, and when it surely had taken effect."""

    what: str
    """`store`, `shard`, `heir`, `database`, `life`, `provider`, `invalidate`, `vault`, `credential`, `rotation`,
    `audit`, `crash`, `searched` or `leak`."""
    whom: str
    """The instance's number, the provider's name, or empty for the store."""
    how: str
    """The new state, as one word: of a provider how it fails, or `well`; of an invalidation the instance asked.

    Of a node of Redis Cluster `killed`; `promoted`, from when another serves its slots; `well` when it is back. Of an
    heir which slots it serves. Of a rotation of credentials in which order it was made, and `well` when Vault holds the
    new ones. Of a provider with several endpoints or failing probes: `endpoint 1: hang`, `probes: status`. Of Vault its
    state, or `renewed` for a token. Of a credential of the provider: its mark, and `put` (into Vault, where it is the
    newest from then on) or `refused` (by the provider, from then on); its owner and `gone` (from Vault). Of an
    audit `watched`, or a mark and `read`: Vault was asked for it since it was put. Of a search that its sink held
    something, or the leak.
    """
    began_ms: int
    done_ms: int
    bit: int | None = None
    """Where a fault of the store ended: how often it had shown itself by then, in connections that it ended and bytes
    that it swallowed. None: nothing ended, or nobody counts."""


@dataclass(frozen=True)
class Sample:
    """What an instance was measured to hold, for the history."""

    what: str
    """`rss_bytes`: memory of the instance and all that descends from it. Else the name of a gauge on its `/metrics`."""
    instance: int
    at_ms: int
    """When it was looked at, at the latest."""
    value: int
    """Of a gauge with several labels the greatest."""


@dataclass(frozen=True)
class Act:
    """Something to be done to the stage while requests are under way: a leader stops in the middle of its call."""

    delay_ms: int
    """How long after the batch's start."""
    do: Callable[[], None]
    """A word to the gateway, as `lambda: gateway.life(0, "paused")`; never one that asks or waits."""


class ReadGateway(Gateway, Protocol):
    """A gateway whose surroundings the judge holds; the clock of all spans is that of all calls and disturbances.

    `begin` puts everything right that a story did. What is not this door's to do raises `Untestable`.
    """

    @property
    def disturbances(self) -> Sequence[Disturbance]:
        """What was done to the stage since the story began, in the order done; copied into the story at each step."""

    def dice(self, seed: int) -> bool:
        """Let the early refreshes of this story be drawn from this seed; say whether this driver can."""

    def during(self, requests: Sequence[Request], *acts: Act) -> list[Exchange]:
        """As `play`, with each act done at its delay beside the requests; return when all are answered and done."""

    def fresh_providers(self, count: int, shape: Shape = PLAIN) -> tuple[str, ...]:
        """Return providers that were never read before, without latency or faults; of `lambda` pricing serially.

        On the wire the chapter's `Needs` must have named the shape.
        """

    def provider(self, name: str, *, latency_ms: int = 0, failing: Failing = "", retry_after: str = "") -> None:
        """Set how a provider's list answers calls that arrive from now on, at every endpoint; its probes stay well.

        A failure, too, comes after the latency. `retry_after` is that field's value beside a 429.
        """

    def endpoint(self, name: str, place: int, *, latency_ms: int = 0, failing: Failing = "") -> None:
        """Set how the list at one endpoint answers; the others stay as they are."""

    def probes(self, name: str, place: int, *, failing: Failing = "") -> None:
        """Set how one endpoint answers probes; its list stays as it is."""

    def stock(self, name: str, items: Mapping[str, str], page_items: int | None = None) -> None:
        """Let a provider list these items from now on, each by its key, byte for byte in its API's wire format.

        Where a list has several documents a key is `document/key`. An API that has pages shows at most `page_items` on
        one; None: as many as it is asked for.
        """

    def own_credential(self, identity: Identity, providers: Sequence[str]) -> None:
        """Give a user a credential of his own for these providers: he reads under keys of his own from now on.

        Raise `Untestable` where this door cannot.
        """

    def vault(self, state: VaultState) -> None:
        """Set how Vault is for all instances; return when it is so. Raise `Untestable` where this door cannot."""

    def watch_vault(self) -> None:
        """Note among the disturbances what only Vault itself can tell: that a token was renewed."""

    def rotate(self, provider: str, who: Identity | None = None) -> str:
        """Put another credential of the house's or of a user's into Vault; the provider accepts it beside the others.

        Return its mark. A sealed Vault takes nothing.
        """

    def refuse(self, provider: str, mark: str) -> None:
        """Have a provider answer 401 to this credential from now on."""

    def take_away(self, provider: str, who: Identity | None = None) -> None:
        """Delete the house's or a user's credential from Vault; the provider would still accept it."""

    def calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Every list call that these providers saw, in order of arrival."""

    def probe_calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Every probe that these providers saw, in order of arrival."""

    def store(self, state: StoreState) -> None:
        """Set how Redis is for all instances; return when it is so. Raise `Untestable` where this door cannot."""

    def life(self, instance: int, life: Life) -> None:
        """Set how an instance is; return when it is so (running: ready). Raise `Untestable` where this door cannot."""

    def invalidate(self, provider: str, instance: int) -> Exchange:
        """Ask an instance to invalidate a provider's key, with a service token of scope `operate`."""


@dataclass(frozen=True)
class Declared:
    """A provider as the providers file would declare it, and the house's credential for it."""

    name: str
    adapter: str
    endpoints: tuple[tuple[str, float], ...]
    """Base URL and weight of each."""
    concurrency: int
    queue: int
    poll_s: float | None
    rate_per_s: float | None
    credential: Mapping[str, str] = field(repr=False)
    """By the adapter's own field names."""


@dataclass(frozen=True)
class UpstreamRequest:
    """One HTTP request to a provider."""

    method: str
    path: str
    """What stands after the endpoint's base URL, with the query."""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Upstream:
    """What one request will be answered."""

    number: int
    """Under which `left` may be told that the gateway gave it up."""
    after_ms: int | None
    """How long after the request began; None: never."""
    status: int | None
    """None: the connection is reset."""
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VaultWord:
    """What one question to Vault will be answered."""

    after_ms: int | None
    """How long after it was asked; None: never."""
    state: Literal["found", "absent", "away"]
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of a secret that was found."""
    names: tuple[str, ...] = ()
    """What lies right in a folder that was found; a folder's own folders end in a slash."""


@dataclass(frozen=True)
class Asked:
    """A request for a reads driver."""

    ticket: int
    """The judge's number for it, under which it is answered."""
    instance: int
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    credential: Mapping[str, str]
    """A proven `{kind, name, plan, scope, user, own}`, as from a verified token.

    `scope` holds words separated by blanks; `user` is the `sub` of the user who asks, by a token or a key of his, and
    empty for everybody else; `own` are the providers for which he has a credential of his own, for who reads no Vault.
    """
    body: bytes = b""


@dataclass(frozen=True)
class Answered:
    """The answer to what was submitted."""

    ticket: int
    heard_ms: int
    status: int
    headers: Mapping[str, str]
    body: bytes


class ReadsDriver(Protocol):
    """The read path in process, under a clock that only it advances, and only when it is told to run.

    The clock is the component driver's own, which has `advance(duration_ms)` beside `now_ms()`: the driver moves it to
    each moment at which something falls due, so that `call` and the judge read from it when that was.
    Opened by the component driver's method `open_reads(ask=..., left=..., dice=...)`: `ask(instance, provider, url,
    request)` says what a request to a provider that begins now will meet; `left(number)` is called when the gateway
    gives one up before its answer; `dice()` draws from [0, 1), for early refreshes. A driver class without that method
    has no component tier for reads.

    Where the method also takes `vault`, credentials come from there: `vault(instance, op, path)` says what a question
    to Vault that begins now will be answered, with the contract's paths under the mount; `op` is `read` or `list`.
    """

    def declare(self, providers: Sequence[Declared]) -> None:
        """Have these providers too from now on, on every instance: their polls and probes begin now."""

    def submit(self, asked: Asked) -> None:
        """Hand a request to its instance now; its answer comes from a later `run`."""

    def run(self, until_ms: int) -> list[Answered]:
        """Do all that falls due up to and including `until_ms`, advancing the clock to exactly that moment."""

    def store(self, state: StoreState) -> None:
        """Set how the shared store is."""

    def life(self, instance: int, life: Life) -> None:
        """Set how an instance is; a killed one that runs again has an empty memory."""

    def close(self) -> None:
        """Give back what was opened, and leave nothing of this driver in Redis."""
