"""The writings in which a secret is still the secret: P19 names them.

Those that spell it in one way whatever stands beside it are patterns to search for (raw, hex, base64 at each of three
alignments in both alphabets). Those that may spell each letter anew are undone first (percent, JSON), as is all that
hides the bytes themselves (compression, line breaks, UTF-16).
"""

from __future__ import annotations

import base64
import re
import zlib
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import brotli  # type: ignore[import-untyped] # it has no stubs
import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator

INFLATED_MAX_BYTES = 64 * 1024 * 1024
"""Of one compressed stream: a bomb ends the look into it, not the search."""
STREAMS_MAX = 10_000
"""Places in one piece where a compressed stream may begin."""

_STREAM = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|\x28\xb5\x2f\xfd")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){16,}")
_JSON_ESCAPE = re.compile(rb"\\(?:u00([0-9a-fA-F]{2})|([\"\\/]))")
_SPACE = bytes.maketrans(b"", b"")
_BREAKS = b" \t\r\n"
_BETWEEN = b"\x01"
"""Runs are looked through together: a log has one on each line."""


def patterns(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each writing that is the same whatever stands beside it; hex in lower case."""
    yield "raw", secret
    yield "hex", secret.hex().encode()
    for alignment in range(3):
        core = _base64_core(secret, alignment)
        yield "base64", core
        if (url_safe := core.replace(b"+", b"-").replace(b"/", b"_")) != core:
            yield "base64url", url_safe


def _base64_core(secret: bytes, alignment: int) -> bytes:
    """The letters that do not depend on the bytes before and behind it."""
    written = base64.b64encode(bytes(alignment) + secret + bytes(2))
    first = -(-alignment * 8 // 6)
    last = (alignment + len(secret)) * 8 // 6
    return written[first:last]


def undone(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the same text with what may be spelled anew spelled plainly, where there is any of it."""
    if b"%" in data:
        yield "percent", unquote_to_bytes(data)
    if b"\\" in data:
        yield "json", _JSON_ESCAPE.sub(_unescaped, data)
    if b"\0" in data:
        yield "utf-16", data.replace(b"\0", b"")
    if any(mark in data for mark in (b"\n", b"\r", b"\t", b" ")):
        yield "wrapped", data.translate(_SPACE, _BREAKS)


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)]) if match[1] else match[2]


def opened(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what is hidden inside: decompressed streams, and what long runs of base64 and hex stand for."""
    for number, match in enumerate(_STREAM.finditer(data)):
        if number >= STREAMS_MAX:
            break
        name, inflated = _inflated(data[match.start() :])
        if inflated:
            yield name, inflated
    runs = [match[0].rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/") for match in _BASE64.finditer(data)]
    for start in range(4 if runs else 0):
        yield "base64", _BETWEEN.join(_decoded(run[start:]) for run in runs)
    if pairs := [match[0] for match in _HEX.finditer(data)]:
        yield "hex", _BETWEEN.join(bytes.fromhex(run.decode()) for run in pairs)


def _decoded(text: bytes) -> bytes:
    """To the last letter: one that is left over stands for no byte."""
    whole = text[:-1] if len(text) % 4 == 1 else text
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def brotli_opened(data: bytes) -> bytes:
    """Return what a whole piece is in brotli, which has no mark of its own; nothing where it is none."""
    try:
        decompressor = brotli.Decompressor()
        opened_up: bytes = decompressor.process(data)
    except brotli.error:
        return b""
    return opened_up[:INFLATED_MAX_BYTES]


def _inflated(data: bytes) -> tuple[str, bytes]:
    if data[:1] == b"\x28":
        return "zstd", _zstd(data)
    if data[:1] == b"\x1f":
        return "gzip", _zlib(data, zlib.MAX_WBITS | 16)
    return "zlib", _zlib(data, zlib.MAX_WBITS)


def _zlib(data: bytes, window: int) -> bytes:
    """As far as it goes: a stream that is cut off had its beginning."""
    found = zlib.decompressobj(window)
    try:
        return found.decompress(data, INFLATED_MAX_BYTES)
    except zlib.error:
        return b""


def _zstd(data: bytes) -> bytes:
    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as reader:
            return bytes(reader.read(INFLATED_MAX_BYTES))
    except zstandard.ZstdError:
        return b""
