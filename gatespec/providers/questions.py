"""What a client puts into the body of a request: JSON that may be anything."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatespec.providers.dialect import Asking


def question(asking: Asking) -> dict[str, Any] | None:
    """The JSON object of a request, its numbers as decimals or integers; None where the body is no object."""
    try:
        read = json.loads(asking.body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def told(asking: Asking) -> dict[str, Any]:
    """Likewise; an empty object where the body is none."""
    return question(asking) or {}


def text(told: dict[str, Any], name: str) -> str:
    """A field that is text; empty where it is not."""
    said = told.get(name)
    return said if isinstance(said, str) else ""
