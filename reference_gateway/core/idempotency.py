"""What a repeated POST gets: the first one's answer, or the reason why not (the contract's P23).

A value and the question that is put to it; the store keeps the value and changes it atomically.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reference_gateway.core.answers import Fields

TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500
WITHOUT_EFFECT: Final = frozenset({"overloaded", "not-ready"})
"""Codes of problems with which nothing was begun."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answer that a repeat gets: without what the first one's client alone was told."""

    status: int
    headers: Fields
    body: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """One use of a key by one identity on one route."""

    id: str
    """The same however often it is resumed."""
    fingerprint: bytes
    """Of the body."""
    running_until_ms: int
    """Somebody is at it until then, unless he died; 0 where nobody is."""
    forget_ms: int
    answer: Remembered | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Do it, as this operation."""

    operation: str


@dataclass(frozen=True, slots=True)
class Replay:
    """It was done: answer so."""

    answer: Remembered


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key belongs to another body."""


@dataclass(frozen=True, slots=True)
class Running:
    """The first is still at it; whoever died at it is given up after `wait_ms`."""

    wait_ms: int


Turn = Act | Replay | Mismatch | Running


def turn_of(known: Operation | None, fingerprint: bytes, fresh: str, now_ms: int) -> Turn:
    """Say what a request with this body does; `fresh` is the id of an operation that would begin with it."""
    if known is None or known.forget_ms <= now_ms:
        return Act(fresh)
    if known.fingerprint != fingerprint:
        return Mismatch()
    if known.answer is not None:
        return Replay(known.answer)
    if known.running_until_ms > now_ms:
        return Running(known.running_until_ms - now_ms)
    return Act(known.id)


def is_remembered(status: int) -> bool:
    """Whether an answer is what every repeat gets; after any other a repeat acts."""
    return status < SERVER_ERROR and status != TOO_MANY_REQUESTS


def had_no_effect(status: int, code: str | None) -> bool:
    """Whether an answer that is not remembered surely changed nothing, so that the key is as good as unused."""
    return status == TOO_MANY_REQUESTS or code in WITHOUT_EFFECT
