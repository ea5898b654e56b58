"""The body of the list of offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reference_gateway.core.filters import Query
    from reference_gateway.core.offer import Offer


@dataclass(frozen=True, slots=True)
class AnswerWarning:
    """What an answer says of a provider that it could not show as it is now.

    `as_of_ms` is the moment of what is shown instead, if anything is.
    """

    code: str
    provider: str
    detail: str
    as_of_ms: int | None = None


def merge(offers: Iterable[Offer]) -> list[Offer]:
    """Each id once: the newest wins, of equally new ones the later."""
    raise NotImplementedError


def list_body(offers: Sequence[Offer], query: Query, as_of_ms: int, warnings: Sequence[AnswerWarning] = ()) -> bytes:
    """Render what `query` selects among `offers`, which are all of the snapshot: `score` is over them, before filtering."""
    raise NotImplementedError
