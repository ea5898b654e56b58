"""Vast.ai's questions: per field an object of operators, then an order and a limit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.providers.tabled import Keyed

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda has, wanted: has == wanted,
    "neq": lambda has, wanted: has != wanted,
    "gt": lambda has, wanted: has > wanted,
    "gte": lambda has, wanted: has >= wanted,
    "lt": lambda has, wanted: has < wanted,
    "lte": lambda has, wanted: has <= wanted,
    "in": lambda has, wanted: has in wanted,
    "notin": lambda has, wanted: has not in wanted,
}
TYPES = ("on-demand", "bid", "reserved")
APART = {"order", "limit", "type", "allocated_storage"}
"""Fields of a question that are no filters."""


class BadFilter(ValueError):  # noqa: N818 - the API's own word for it
    """A question that the API refuses."""


def chosen(asks: Sequence[Keyed], question: Mapping[str, Any] | None) -> list[Keyed]:
    """The asks that a question wants, in its order; raise `BadFilter` where it is none.

    A filter drops what it can read: an ask that lacks the field, or has it in another type, stays, and comes last.
    """
    if question is None:
        raise BadFilter("the body is no object")
    filters, kind, limit = _filters(question), _kind(question), _limit(question)
    read = ((ask, _read(ask[1])) for ask in asks)
    kept = [each for each in read if _is_for(kind, each[1]) and _fits(filters, each[1])]
    return [ask for ask, _ in _ordered(kept, question.get("order", []))][:limit]


def _read(text: str) -> Mapping[str, Any]:
    read = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    told = read if isinstance(read, dict) else {}
    return {**told, "verified": told["verification"] == "verified"} if "verification" in told else told


def _filters(question: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found = {name: said for name, said in question.items() if name not in APART}
    for name, said in found.items():
        if not isinstance(said, dict) or not set(said) <= set(OPERATORS):
            raise BadFilter(f"{name}: {said!r} is no object of operators")
    return found


def _kind(question: Mapping[str, Any]) -> str:
    kind = question.get("type", TYPES[0])
    if kind not in TYPES:
        raise BadFilter(f"type: {kind!r} is none of {', '.join(TYPES)}")
    return str(kind)


def _is_for(kind: str, ask: Mapping[str, Any]) -> bool:
    """On demand whatever is listed; interruptible what names a least bid; nothing is reserved here."""
    return kind == "on-demand" or (kind == "bid" and ask.get("min_bid") is not None)


def _fits(filters: Mapping[str, Mapping[str, Any]], ask: Mapping[str, Any]) -> bool:
    return all(_passes(said, ask.get(name)) for name, said in filters.items())


def _passes(said: Mapping[str, Any], has: object) -> bool:
    try:
        return has is None or all(OPERATORS[name](has, wanted) for name, wanted in said.items())
    except TypeError:
        return True


def _ordered(kept: Sequence[tuple[Keyed, Mapping[str, Any]]], order: object) -> list[tuple[Keyed, Mapping[str, Any]]]:
    """Sorted by the last field first, so that the first counts most."""
    found = list(kept)
    for field, direction in _directions(order):
        known = [each for each in found if isinstance(each[1].get(field), Decimal)]
        others = [each for each in found if not isinstance(each[1].get(field), Decimal)]
        found = sorted(known, key=lambda each: each[1][field], reverse=direction == "desc") + others
    return found


def _directions(order: object) -> list[tuple[str, str]]:
    try:
        pairs = [(str(field), str(direction)) for field, direction in order]  # type: ignore[attr-defined]  # refused below
    except (TypeError, ValueError) as error:
        raise BadFilter(f"order: {order!r} is no list of pairs") from error
    if any(direction not in {"asc", "desc"} for _, direction in pairs):
        raise BadFilter(f"order: {order!r} has another direction than asc and desc")
    return pairs[::-1]


def _limit(question: Mapping[str, Any]) -> int | None:
    limit = question.get("limit")
    if limit is not None and (type(limit) is not int or limit < 0):
        raise BadFilter(f"limit: {limit!r} is no count")
    return limit
