"""What fields of many APIs have in common: texts that break out of nothing, numbers that stay exact, bounds."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from reference_gateway.adapters.providers.port import FailureKind, ProviderFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference_gateway.core.credentials.ports import Credential

TEXT_LENGTH_MAX: Final = 200
"""Characters of an identity, a name or a region; the longest real one known has 50."""

PRICE_MIN_USD: Final = Decimal("0.000001")
"""Of an hour of a whole offer: less would be shown as 0, which is no price."""

PRICE_MAX_USD: Final = 1_000_000
"""Of an hour of a whole offer; the dearest real one is below 1000."""

WHOLE_MAX: Final = 10**9
"""Of counts, memory and disk, in whatever unit the wire has."""


DECIMAL_TEXT_LENGTH_MAX: Final = 40
"""Characters of a decimal that comes as text."""

_DECIMAL_TEXT = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def _printable(text: str) -> str:
    """A newline would let one name forge another's id, and half of a surrogate pair cannot be sent on."""
    if not text.isprintable():
        raise ValueError("not printable")
    return text


def _exact(wire: object) -> Decimal:
    """A number as the wire decoded it; `true` is none, and no text is."""
    if isinstance(wire, bool) or not isinstance(wire, int | Decimal):
        raise ValueError("no number")  # noqa: TRY004 - pydantic takes a ValueError for a malformed field
    return Decimal(wire)


def _exact_text(wire: object) -> Decimal:
    """Digits with at most one point in between: no sign, exponent, space or currency, and no number either."""
    if not isinstance(wire, str) or len(wire) > DECIMAL_TEXT_LENGTH_MAX or not _DECIMAL_TEXT.fullmatch(wire):
        raise ValueError("no decimal in text")
    return Decimal(wire)


Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(_printable)]
Whole = Annotated[int, Field(gt=0, le=WHOLE_MAX)]
WholeOrZero = Annotated[int, Field(ge=0, le=WHOLE_MAX)]
"""As of GPUs: a machine without is no mistake, only no offer."""
Number = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, le=WHOLE_MAX)]
NumberOrZero = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=WHOLE_MAX)]
"""A number that may be 0, as of a disk that is bought apart."""
DecimalText = Annotated[Decimal, BeforeValidator(_exact_text)]
Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=PRICE_MIN_USD, le=PRICE_MAX_USD)]
"""In USD an hour, of the whole offer."""
PriceText = Annotated[Decimal, BeforeValidator(_exact_text), Field(ge=PRICE_MIN_USD, le=PRICE_MAX_USD)]
"""The same as text."""


def header_text(credential: Credential, field: str) -> str:
    """A credential's field, fit for a header; raises `ProviderFailed` where it is missing or would break out of it."""
    secret = credential.get(field)
    if secret is None:
        raise ProviderFailed(FailureKind.CREDENTIAL, f"the credential has no `{field}`")
    text = secret.reveal()
    if not _stands_in_a_header(text):
        raise ProviderFailed(FailureKind.CREDENTIAL, f"the credential's `{field}` cannot stand in a header")
    return text


def can_show(credential: Credential, fields: Iterable[str]) -> bool:
    """Whether a credential has all that an adapter shows, fit for a header: else there is nothing to call with."""
    return all(name in credential and _stands_in_a_header(credential[name].reveal()) for name in fields)


def _stands_in_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text)


def bearer(credential: Credential) -> dict[str, str]:
    """The header that most APIs want; raises `ProviderFailed` as `header_text` does."""
    return {"Authorization": f"Bearer {header_text(credential, 'api_key')}"}
