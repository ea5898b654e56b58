"""Positive twins: a refusal says something only where the same request, one thing different, is admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.windows import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatespec.history import Example
    from gatespec.ports import Exchange


def last_refusal(exchanges: Iterable[Exchange]) -> Exchange | None:
    """The refusal after whose answer nothing was sent any more: of a burst, another request may have been sent last."""
    standing = None
    for exchange in exchanges:
        standing = _standing(standing, exchange)
    return standing


def find_admitted_twins(example: Example) -> list[int]:
    """Places of admissions that follow a refusal of somebody else at once, with nothing but the identity different."""
    found, refused = [], None
    for place, exchange in enumerate(example.exchanges):
        if refused is not None and _are_twins(refused, exchange):
            found.append(place)
        refused = _standing(refused, exchange)
    return found


def _standing(refused: Exchange | None, then: Exchange) -> Exchange | None:
    """The refusal that a twin sent after `then` would answer to."""
    if answer_of(then) == "refused":
        return then
    return refused if refused is not None and then.span.sent_ms <= refused.span.heard_ms else None


def _are_twins(refused: Exchange, twin: Exchange) -> bool:
    asked, again = refused.request, twin.request
    same = (asked.instance, asked.method, asked.path, asked.headers) == (
        again.instance,
        again.method,
        again.path,
        again.headers,
    )
    other = asked.identity.id != again.identity.id and asked.identity.plan == again.identity.plan
    return same and other and answer_of(twin) == "admitted"
