"""Offers as Redis keeps them: compact, exact, and read back as they were."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import orjson

from reference_gateway.core.offer import Amount, Offer

_FIELDS: Final = tuple(field.name for field in fields(Offer))
_DECIMALS: Final = frozenset({"gpu_memory_gb", "ram_gb", "storage_gb", "price_per_hour", "spot_price", "performance"})
_EXACT: Final = tuple(index for index, name in enumerate(_FIELDS) if name in _DECIMALS)
_TAGS: Final = _FIELDS.index("compliance_tags")

VERSION: Final = "2"
"""Part of the keys: instances of another version, which store other fields, never read these."""


def encode(offers: tuple[Offer, ...]) -> bytes:
    """Write each offer as the list of its fields; a `Decimal` becomes its own digits, a `Fraction` two numbers."""
    return orjson.dumps([[getattr(offer, name) for name in _FIELDS] for offer in offers], default=str)


def decode(stored: bytes) -> tuple[Offer, ...]:
    """Read what `encode` wrote; raises ValueError for what it did not."""
    read = orjson.loads(stored)
    if not isinstance(read, list):
        raise ValueError("this is no list")  # noqa: TRY004 - of what is stored, the value is at fault
    try:
        return tuple(map(_offer, read))
    except (TypeError, IndexError, ArithmeticError) as error:
        raise ValueError("this is no list of offers") from error


def _offer(values: list[Any]) -> Offer:
    for index in _EXACT:
        values[index] = None if values[index] is None else _exact(values[index])
    values[_TAGS] = tuple(values[_TAGS])
    return Offer(**dict(zip(_FIELDS, values, strict=True)))


def _exact(text: str) -> Amount:
    return Fraction(text) if "/" in text else Decimal(text)
