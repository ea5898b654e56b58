"""The list's query: what may be asked, and which offers satisfy it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from reference_gateway.core.offer import Offer


class ParameterError(Exception):
    """A parameter that is refused with 422; `code` is the problem's, `field` the parameter's name, safe to echo."""

    code: str = ""

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(f"{field}: found {found}, expected {expected}")
        self.field = field
        self.found = found
        self.expected = expected


class ParameterInvalid(ParameterError):  # noqa: N818 - the name is the problem's
    """A value that cannot be understood."""

    code = "parameter-invalid"


class ParameterUnknown(ParameterError):  # noqa: N818 - the name is the problem's
    """A name that the list does not know."""

    code = "parameter-unknown"


class ParameterRepeated(ParameterError):  # noqa: N818 - the name is the problem's
    """A single-valued parameter given more than once."""

    code = "parameter-repeated"


@dataclass(frozen=True, slots=True)
class Query:
    """All filters of the list and its order; an empty tuple or None asks for nothing."""

    gpu_types: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    availability: tuple[str, ...] = ()
    compliance_tags: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_memory_gb: Decimal | None = None
    min_gpu_count: int | None = None
    sort: str = "price"

    def cache_key(self) -> str:
        """One text for all spellings of the same query."""
        raise NotImplementedError


def parse_query(pairs: Sequence[tuple[str, str]]) -> Query:
    """Read the decoded query string's pairs, in the order given; raises `ParameterError`."""
    raise NotImplementedError


def select(offers: Sequence[Offer], query: Query) -> list[Offer]:
    """The offers that satisfy `query`, in its order."""
    raise NotImplementedError
