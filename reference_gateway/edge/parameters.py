"""A query string as pairs. Source: WHATWG URL, application/x-www-form-urlencoded, but strict on UTF-8."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from reference_gateway.core.filters import QUERY, ParameterInvalid

PAIRS_MAX = 128
"""More than the core accepts, so that it is the core that refuses; less than would cost anything to split."""


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    """Split and decode; raises `ParameterInvalid`, which names the parameter where it has a name."""
    parts = query.split(b"&", PAIRS_MAX)
    if len(parts) > PAIRS_MAX:
        raise ParameterInvalid(QUERY, f"more than {PAIRS_MAX} parameters", f"at most {PAIRS_MAX}")
    return [_pair(part) for part in parts if part]


def _pair(part: bytes) -> tuple[str, str]:
    name, _, value = part.partition(b"=")
    field = _decoded(QUERY, name)
    return field, _decoded(field, value)


def _decoded(field: str, text: bytes) -> str:
    """What cannot be read is not shown: whether the parameter is one of ours is not known yet."""
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise ParameterInvalid(field, None, "percent-encoded UTF-8") from None
