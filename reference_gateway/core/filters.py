"""The parameters of the list of offers: every text that a stranger may send becomes a query, or one named error."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reference_gateway.core.gpus import UnknownGpu, names_covered
from reference_gateway.core.offer import AVAILABILITIES
from reference_gateway.core.query import LIMIT_MAX, SORTS, Query, select
from reference_gateway.core.regions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "ParameterError",
    "ParameterInvalid",
    "ParameterRepeated",
    "ParameterUnknown",
    "Query",
    "parse_query",
    "select",
]

Read = TypeVar("Read")

PARAMETERS_MAX: Final = 64
"""Parameters of one query: more than every GPU and region by name would take."""

VALUE_LENGTH_MAX: Final = 64
"""Characters of one value, and of what is echoed of it."""

NAME_LENGTH_MAX: Final = 24
"""Characters of a name that is echoed: longer than any of ours, shorter than a key that somebody pasted."""

QUERY: Final = "query"
"""The field at fault where no parameter can be named."""

_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_.\[\]-]{{0,{NAME_LENGTH_MAX - 1}}}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_COUNT = re.compile(r"[0-9]{1,9}")
_CURSOR = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ParameterError(Exception):
    """A parameter that is refused with 422: `code` is the problem's, `field` the parameter, all of it safe to echo."""

    code = ""

    def __init__(self, field: str, found: str | None, expected: str) -> None:
        """`found` None is what must not be shown."""
        self.field, self.found, self.expected = _named(field), _echo(found or ""), expected
        said = "" if found is None else f"found {self.found!r}, "
        super().__init__(f"{self.field}: {said}expected {expected}")


class ParameterInvalid(ParameterError):  # noqa: N818 - the name is the problem's
    """A value that means nothing here."""

    code = "parameter-invalid"


class ParameterUnknown(ParameterError):  # noqa: N818 - the name is the problem's
    """A name that the list does not know, or does not serve yet. Its value is nobody's business: `?token=...`."""

    code = "parameter-unknown"

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(field, None, expected)


class ParameterRepeated(ParameterError):  # noqa: N818 - the name is the problem's
    """A single-valued parameter that was given again."""

    code = "parameter-repeated"


def _named(field: str) -> str:
    """Repeat what can be a misspelt name. Anything else may be a secret that lost its name: it is of the query."""
    return field if _NAME.fullmatch(field) else QUERY


def _echo(text: str) -> str:
    """Bounded, printable ASCII: what a stranger sent must break neither a log line nor a terminal."""
    return text[:VALUE_LENGTH_MAX].encode("unicode_escape").decode("ascii")[:VALUE_LENGTH_MAX]


def _gpu_types(word: str) -> tuple[str, ...]:
    try:
        return names_covered(word)
    except UnknownGpu:
        raise ValueError("a canonical GPU name or a family, such as H100-SXM or H100") from None


def _region(word: str) -> tuple[str, ...]:
    if word not in REGIONS:
        raise ValueError("a canonical region, such as us-west")
    return (word,)


def _availability(word: str) -> tuple[str, ...]:
    if word not in AVAILABILITIES:
        raise ValueError(f"one of {', '.join(AVAILABILITIES)}")
    return (word,)


def _word(word: str) -> tuple[str, ...]:
    if not _WORD.fullmatch(word):
        raise ValueError(f"letters, digits, dots, hyphens and underscores, at most {VALUE_LENGTH_MAX}")
    return (word,)


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError("a decimal number of 0 or more, such as 2.5, with at most 9 digits on either side")
    return Decimal(text)


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError("a whole number of 0 or more, such as 8, with at most 9 digits")
    return int(text)


def _limit(text: str) -> int:
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= LIMIT_MAX:
        raise ValueError(f"a whole number from 1 to {LIMIT_MAX}")
    return int(text)


def _cursor(text: str) -> str:
    """Whether it is one of ours is for its reader to say, who has the keys."""
    if not _CURSOR.fullmatch(text):
        raise ValueError("the `next_cursor` of a page, as it is")
    return text


def _sort(text: str) -> str:
    if text not in SORTS:
        raise ValueError(f"one of {', '.join(SORTS)}")
    return text


_REPEATABLE: Final[Mapping[str, tuple[str, Callable[[str], tuple[str, ...]]]]] = {
    "gpu_type": ("gpu_types", _gpu_types),
    "gpu": ("gpu_types", _gpu_types),
    "provider": ("providers", _word),
    "region": ("regions", _region),
    "availability": ("availability", _availability),
    "compliance_tag": ("compliance_tags", _word),
}
_SINGLE: Final[Mapping[str, tuple[str, Callable[[str], Decimal | int | str]]]] = {
    "min_price": ("min_price", _number),
    "max_price": ("max_price", _number),
    "min_memory_gb": ("min_memory_gb", _number),
    "min_gpu_count": ("min_gpu_count", _count),
    "sort": ("sort", _sort),
    "limit": ("limit", _limit),
    "per_page": ("limit", _limit),
    "cursor": ("cursor", _cursor),
}
_NOT_SERVED: Final[Mapping[str, str]] = {
    "page": "no page numbers: the next page is asked for by `cursor`, with the `next_cursor` of the one before",
}


def parse_query(pairs: Sequence[tuple[str, str]]) -> Query:
    """Read the query string's decoded pairs; raises `ParameterError` for the first that is wrong."""
    if len(pairs) > PARAMETERS_MAX:
        raise ParameterInvalid(QUERY, f"{len(pairs)} parameters", f"at most {PARAMETERS_MAX}")
    asked: dict[str, Any] = {}
    for name, text in pairs:
        if name in _REPEATABLE:
            field, read = _REPEATABLE[name]
            asked[field] = asked.get(field, frozenset()).union(_value(name, text, read))
        elif name in _SINGLE:
            field, read_one = _SINGLE[name]
            if field in asked:
                raise ParameterRepeated(name, text, _once(field))
            asked[field] = _value(name, text, read_one)
        else:
            raise ParameterUnknown(name, _NOT_SERVED.get(name, f"one of {', '.join([*_REPEATABLE, *_SINGLE])}"))
    return replace(Query(), **asked)


def no_parameters(pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse whatever is asked of a path that takes no parameters; raises `ParameterUnknown`."""
    for name, _ in pairs:
        raise ParameterUnknown(name, "no parameters here")


def _once(field: str) -> str:
    """Name both spellings, where there are two: the first one may have been the other."""
    return " or ".join(name for name, (meant, _) in _SINGLE.items() if meant == field) + " once"


def _value(name: str, text: str, read: Callable[[str], Read]) -> Read:
    """The length comes first: no reader meets a text whose cost is the sender's choice."""
    if len(text) > VALUE_LENGTH_MAX:
        raise ParameterInvalid(name, text, f"at most {VALUE_LENGTH_MAX} characters")
    try:
        return read(text)
    except ValueError as wrong:
        raise ParameterInvalid(name, text, str(wrong)) from None
