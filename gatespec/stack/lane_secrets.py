"""What is secret on a lane, and the search of all that its gateway left behind."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import redis

from gatespec.secrecy.canaries import SECRET_MIN_BYTES, Canaries
from gatespec.secrecy.search import Searcher
from gatespec.secrecy.sinks import Files, metrics_of, postgres_of, redis_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gatespec.secrecy.answers import AnswerLog
    from gatespec.secrecy.search import Found
    from gatespec.secrecy.sinks import Piece

KEY_LINE = 5
"""The line of a PEM file whose letters are the key's own: those before it are the same in every key."""


@dataclass(frozen=True)
class Leak:
    """A secret, and where it was found."""

    sink: str
    piece: str
    found: Found

    def __str__(self) -> str:
        at = f"after {self.found.context!r}" if self.found.context else "at the beginning"
        which = f"{self.found.kind} {self.found.fingerprint}"
        return f"{which} lies in {self.sink} ({self.piece}), written as {self.found.encoding}, {at}"


@dataclass
class Searched:
    """What one look found, and how much it looked through."""

    leaks: list[Leak] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    """Bytes by sink: what held nothing was not searched."""


@dataclass
class LaneSecrets:
    """The secrets of a lane, and its sinks."""

    answers: AnswerLog
    canaries: Canaries = field(default_factory=Canaries)
    logs: Callable[[], Mapping[str, Path]] = dict
    """Of the gateway's own processes: stdout and stderr, crashes included."""
    urls: Sequence[str] = ()
    redis_urls: Sequence[str] = ()
    postgres_url: str = ""
    _told: set[tuple[str, str, str]] = field(default_factory=set)
    _log_files: Files = field(default_factory=lambda: Files("logs"))
    _answer_files: Files = field(default_factory=lambda: Files("answers"))

    def add_urls(self, *urls: str) -> None:
        """Know the passwords in these."""
        for url in urls:
            password = urlsplit(url).password or ""
            if len(password.encode()) >= SECRET_MIN_BYTES:
                self.canaries.add(f"{urlsplit(url).scheme}-password", password)

    def add_key(self, pem: Path) -> None:
        """Know a private key."""
        self.canaries.add("signing-key", pem.read_text(encoding="ascii").splitlines()[KEY_LINE])

    def masked(self, text: str) -> str:
        """The text with a word in place of every secret that stands in it plainly."""
        for canary in self.canaries.all:
            text = text.replace(canary.text, f"[{canary.kind} {canary.fingerprint}]")
        return text

    def search(self, *, stores: bool = True) -> Searched:
        """Look through everything; without `stores` through what is left when all has ended."""
        self.answers.flush()
        pieces = [*self._log_files.pieces(self.logs()), *self._answer_files.pieces({"all": self.answers.path})]
        if stores:
            pieces += [*metrics_of(self.urls), *self._stored()]
        return self._looked(pieces)

    def _stored(self) -> Iterator[Piece]:
        """A store that is away now is looked through when it is back."""
        with suppress(redis.RedisError):
            yield from redis_of(self.redis_urls)
        if self.postgres_url:
            with suppress(psycopg.Error):
                yield from postgres_of(self.postgres_url)

    def _looked(self, pieces: Iterable[Piece]) -> Searched:
        searcher, searched = Searcher(self.canaries.all), Searched()
        for piece in pieces:
            searched.sizes[piece.sink] += len(piece.data)
            for found in searcher.find(piece.data):
                if (known := (piece.sink, found.fingerprint, found.encoding)) not in self._told:
                    self._told.add(known)
                    searched.leaks.append(Leak(piece.sink, piece.name, found))
        return searched
