"""W3C Trace Context: whose trace a request belongs to. Source: W3C `Trace Context` level 1, section 3.2."""

from __future__ import annotations

import os
import re

_VERSION_00 = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_LATER = re.compile(rb"(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.{0,256})?")


def trace_id_of(traceparents: bytes | None) -> str:
    """Take the trace id of a valid `traceparent`, else start a new trace: a bad header never fails a request."""
    if traceparents is not None and (found := _read(traceparents)) is not None:
        return found
    return os.urandom(16).hex()


def _read(traceparent: bytes) -> str | None:
    match = _VERSION_00.fullmatch(traceparent) or _LATER.fullmatch(traceparent)
    if match is None or not match[1].strip(b"0") or not match[2].strip(b"0"):
        return None
    return match[1].decode("ascii")
