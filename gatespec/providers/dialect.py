"""What a simulator must say of the API that it plays: one file per API, one row in `DIALECTS`. No wire, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.ledger import Kind
    from gatespec.providers.script import Script
    from gatespec.providers.simulator import Provider

Answer = tuple[int, bytes]
"""Status and JSON body."""


@dataclass(frozen=True)
class Asking:
    """One HTTP request at a simulated API."""

    method: str
    path: str
    """From the API's host on, without the query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)


class Dialect(Protocol):
    """One provider's API."""

    @property
    def series(self) -> str:
        """Whose real prices it asks unless told: provider and kind of the price data."""

    @property
    def paged(self) -> bool:
        """Whether a script can say how many items a page has."""

    @property
    def one_request(self) -> bool:
        """Whether one request brings a whole list, and a price can so name the list call that it came from."""

    @property
    def sells_tokens(self) -> bool:
        """Whether what it accepts is bought first."""

    @property
    def one_price_per_gpu(self) -> bool:
        """Whether all machines with one GPU have its price, so that none can be priced apart."""

    def items(self, machines: Iterable[Machine], closed: Iterable[str]) -> dict[str, dict[str, str]]:
        """Machines as items, by document and key, in JSON text; every document of a list is there, the first first.

        `closed` are regions where nothing is for rent: an API lists it as sold out where it does so, else not at all.
        """

    def development_credential(self) -> Mapping[str, str]:
        """The credential that the simulators accept, by the adapter's field names; no secret."""

    def kind_of(self, asking: Asking) -> Kind:
        """What a request is for the ledger: of a list call's requests the first alone is the `list`, others `other`."""

    def credential_of(self, asking: Asking) -> str:
        """The credential that a request presents, in whatever form; empty where there is none."""

    def answer(self, provider: Provider, asking: Asking, serial: int) -> Answer:
        """What the API says when nothing is scripted to fail, to the list call of that number (0: no list call)."""

    def headers(self, script: Script, now_s: int) -> Mapping[str, str]:
        """What the API says on each of its own answers beside the body, at that second since 1970."""

    def error(self, status: int) -> bytes:
        """The API's body of an error with that status; where it documents none, that of a failure of its own."""

    def empty(self, asking: Asking) -> bytes:
        """A list of nothing, for whoever asks for a part of one."""
