"""What P19 needs in process: the secrets of a story, and the search of its answers and of the shared store."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis

from gatespec.checkers.secrecy import LEAK, SEARCHED
from gatespec.secrecy.canaries import Canaries
from gatespec.secrecy.search import Searcher
from gatespec.secrecy.sinks import Piece, redis_of
from gatespec.stack.lane_secrets import Leak

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass
class PlayedSecrets:
    """Of one story."""

    redis_url: str | None
    did: Callable[[str, str, str], None]
    canaries: Canaries = field(default_factory=Canaries)
    _answers: list[bytes] = field(default_factory=list)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def begin(self) -> None:
        """A story begins: what was answered before is not searched again."""
        self.canaries = Canaries()
        self._answers.clear()
        self._told.clear()

    def heard(self, headers: Mapping[str, str], body: bytes) -> None:
        """Keep an answer until it was looked at."""
        lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
        self._answers += [lines.encode("utf-8", "surrogateescape"), body]

    def draw(self, word: str, kind: str) -> None:
        """Make up a secret that exists nowhere else; in process nobody says it."""
        del word
        self.canaries.add(kind, f"gs-{secrets.token_hex(16)}")

    def look(self) -> None:
        """Search the answers since the last look, and the store."""
        pieces = [Piece("answers", "all", b"\n\n".join(self._answers))] if self._answers else []
        self._answers.clear()
        if self.redis_url:
            with suppress(redis.RedisError):
                pieces += redis_of([self.redis_url])
        searcher = Searcher(self.canaries.all)
        for piece in pieces:
            self.did(SEARCHED, piece.sink, "held something")
            for found in searcher.find(piece.data):
                if (known := (piece.sink, found.fingerprint)) not in self._told:
                    self._told.add(known)
                    self.did(LEAK, piece.sink, str(Leak(piece.sink, piece.name, found)))
