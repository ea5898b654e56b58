"""Every secret of a run, each of which exists once and means nothing elsewhere: where one is found, it leaked."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field

SECRET_MIN_BYTES = 16
"""Shorter ones are found by chance, or are words: they are refused, not searched for in vain."""
FINGERPRINT_DIGITS = 8
TOKEN_CHARS = 43
"""256 bits of it: more would only be more to search for."""


@dataclass(frozen=True)
class Canary:
    """One secret. Neither its text nor anything that it could be guessed from is ever shown."""

    kind: str
    """What it opens: `provider-credential`, `api-key`, `access-token`, ..."""
    text: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Which one it is, without saying it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:FINGERPRINT_DIGITS]

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Refuse to be pickled: another process has secrets of its own."""
        raise TypeError("a canary stays in its process")


class Canaries:
    """All that a lane knows; may be added to while it is read."""

    def __init__(self) -> None:
        self._known: dict[str, Canary] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, text: str) -> None:
        """Know a secret; raise ValueError for one that is too short to be told from chance."""
        if len(text.encode()) < SECRET_MIN_BYTES:
            raise ValueError(f"a {kind} of {len(text.encode())} bytes is no canary: {SECRET_MIN_BYTES} are needed")
        with self._lock:
            self._known.setdefault(text, Canary(kind, text))

    def add_theirs(self, kind: str, text: str) -> None:
        """Know a secret that the target made; one that is too short to be told from chance is not searched for."""
        if len(text.encode()) >= SECRET_MIN_BYTES:
            self.add(kind, text)

    def add_token(self, token: str) -> None:
        """Know a JWT by the beginning of its signature: what is before that is no secret, and nothing without it."""
        self.add_theirs("access-token", token.rpartition(".")[2][:TOKEN_CHARS])

    @property
    def all(self) -> tuple[Canary, ...]:
        """Every one that is known now."""
        with self._lock:
            return tuple(self._known.values())


def new_secret(prefix: str) -> str:
    """Draw a text of 128 random bits that says whose it is."""
    return f"{prefix}{secrets.token_hex(16)}"
