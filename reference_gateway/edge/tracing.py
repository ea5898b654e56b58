"""W3C Trace Context: whose trace a request belongs to. Source: W3C `Trace Context` level 1, section 3.2."""

from __future__ import annotations

import random
import re

_RANDOM = random.Random()  # noqa: S311 - a trace id must be unique, not secret; the seed is the operating system's
_TRACE_BITS = 128
_VERSION_00 = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_LATER = re.compile(rb"(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.{0,256})?")


def trace_id_of(traceparents: bytes | None) -> str:
    """Take the trace id of a valid `traceparent`, else start a new trace: a bad header never fails a request."""
    if traceparents is not None and (found := _read(traceparents)) is not None:
        return found
    return f"{_RANDOM.getrandbits(_TRACE_BITS) or 1:032x}"


def _read(traceparent: bytes) -> str | None:
    match = _VERSION_00.fullmatch(traceparent) or _LATER.fullmatch(traceparent)
    if match is None or not match[1].strip(b"0") or not match[2].strip(b"0"):
        return None
    return match[1].decode("ascii")
