"""Positive twins: a refusal says something only where the same request, one thing different, is admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.windows import answer_of

if TYPE_CHECKING:
    from gatespec.history import Example
    from gatespec.ports import Exchange


def find_admitted_twins(example: Example) -> list[int]:
    """Places of admissions that follow a refusal of somebody else at once, with nothing but the identity different."""
    pairs = zip(example.exchanges, example.exchanges[1:], strict=False)
    return [place for place, (refused, twin) in enumerate(pairs, 1) if _are_twins(refused, twin)]


def _are_twins(refused: Exchange, twin: Exchange) -> bool:
    asked, again = refused.request, twin.request
    same = (asked.instance, asked.method, asked.path, asked.headers) == (
        again.instance,
        again.method,
        again.path,
        again.headers,
    )
    other = asked.identity.id != again.identity.id and asked.identity.plan == again.identity.plan
    return same and other and answer_of(refused) == "refused" and answer_of(twin) == "admitted"
