"""Cursors: which snapshot, for which question, where the next page begins; sealed, so that only gateways write them.

A cursor is 45 bytes, 60 characters of base64url: every bit of it counts, so there is one text for one cursor.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.query import Query

CURSOR_CHARS: Final = 60
KEY_BYTES: Final = 32
SEAL_BYTES: Final = 16
"""Half of SHA-256: 2^128 guesses, over a limiter."""
QUESTION_BYTES: Final = 8
OFFSET_MAX: Final = 2**32 - 1

SHARED: Final = 0x53
LOCAL: Final = SHARED ^ 0xFF
"""The other in every bit, so that no small damage turns one into the other."""

_LAYOUT = struct.Struct(">B8s8sIQ")
_TEXT = re.compile(rf"[A-Za-z0-9_-]{{{CURSOR_CHARS}}}")


class CursorForged(ValueError):  # noqa: N818 - the client's problem is named after it
    """A text that no gateway has sealed."""


class CursorUnproven(ValueError):  # noqa: N818 - as above
    """A cursor whose key this instance cannot know: the snapshot is not known here either."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: `offset` in the answer to `question` over a snapshot, until `expires_ms`."""

    snapshot_id: str
    """16 hex digits."""
    question: bytes
    """As `digest_of` makes it."""
    offset: int
    expires_ms: int
    """By the wall clock, in ms since 1970."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What cursors are sealed with: keys that all instances share, the newest first, and one of this instance alone."""

    shared: tuple[bytes, ...]
    own: bytes


def digest_of(question: str) -> bytes:
    """Shorten what a cursor is bound to."""
    return hashlib.sha256(question.encode()).digest()[:QUESTION_BYTES]


def asked_by(query: Query, reader: str = "") -> bytes:
    """What a cursor is bound to: the filters and the order, and who alone may follow it; empty: everybody."""
    return digest_of(f"{query.question()}\0{reader}" if reader else query.question())


def seal(cursor: Cursor, keys: Keys) -> str:
    """Write a cursor that every instance can read; while none shares a key with us, one that only we can."""
    kind, key = (SHARED, keys.shared[0]) if keys.shared else (LOCAL, keys.own)
    snapshot = bytes.fromhex(cursor.snapshot_id)
    said = _LAYOUT.pack(kind, snapshot, cursor.question, cursor.offset, cursor.expires_ms)
    return base64.urlsafe_b64encode(said + _seal(said, key)).decode("ascii")


def unseal(text: str, keys: Keys) -> Cursor:
    """Read a cursor; raises `CursorForged` or `CursorUnproven`."""
    said, found = _parts(text)
    kind, snapshot, question, offset, expires_ms = _LAYOUT.unpack(said)
    if not _is_sealed(said, found, keys.shared if kind == SHARED else (keys.own,)):
        if kind == LOCAL or (kind == SHARED and not keys.shared):
            raise CursorUnproven
        raise CursorForged
    return Cursor(snapshot.hex(), question, offset, expires_ms)


def _parts(text: str) -> tuple[bytes, bytes]:
    if not _TEXT.fullmatch(text):
        raise CursorForged
    raw = base64.urlsafe_b64decode(text)
    return raw[: _LAYOUT.size], raw[_LAYOUT.size :]


def _is_sealed(said: bytes, found: bytes, keys: Sequence[bytes]) -> bool:
    return any(hmac.compare_digest(_seal(said, key), found) for key in keys)


def _seal(said: bytes, key: bytes) -> bytes:
    return hmac.digest(key, said, "sha256")[:SEAL_BYTES]
