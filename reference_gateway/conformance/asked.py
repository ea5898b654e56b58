"""A request to the reads driver, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Asked(Protocol):
    """A request: by attribute, as the judge's own has them."""

    @property
    def ticket(self) -> int:
        """The judge's number for it."""

    @property
    def instance(self) -> int:
        """Who is asked."""

    @property
    def method(self) -> str:
        """As HTTP has it."""

    @property
    def path(self) -> str:
        """With its query."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    @property
    def credential(self) -> Mapping[str, Any]:
        """A proven `{kind, name, plan, scope}`."""

    @property
    def body(self) -> bytes:
        """As it was sent; empty for a read."""


@dataclass(frozen=True)
class Answered:
    """The answer to what was submitted."""

    ticket: int
    heard_ms: int
    status: int
    headers: Mapping[str, str]
    body: bytes
