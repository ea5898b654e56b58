"""Find secrets in bytes: many at once, in every writing, and inside of what is compressed or encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ahocorasick_rs import BytesAhoCorasick, Implementation

from gatespec.secrecy.encodings import brotli_opened, opened, patterns, undone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatespec.secrecy.canaries import Canary

DEPTH_MAX = 3
"""Wrappings one inside the other: base64 of gzip of JSON is three."""
OPENED_MAX_BYTES = 256 * 1024 * 1024
"""Of all that is opened in one piece."""
CONTEXT_BYTES = 20
FOUND_MAX = 100
"""Of one piece; each further one is the same news."""


@dataclass(frozen=True)
class Found:
    """A secret where it should not be: which one and in what writing, never its text."""

    kind: str
    fingerprint: str
    encoding: str
    """Outermost first: `gzip > json`."""
    offset: int
    """Bytes from the beginning of the innermost text in which it was found."""
    context: str
    """What stands before it, as far as it is printable; nothing of the secret, nor behind it."""


class Searcher:
    """Knows its secrets from the beginning; one that is made anew when there are more costs milliseconds."""

    def __init__(self, secrets: Iterable[Canary]) -> None:
        self._canaries: Sequence[Canary] = tuple(secrets)
        self._plain = _Patterns(self._canaries, lowered=False)
        self._lowered = _Patterns(self._canaries, lowered=True)

    def find(self, data: bytes) -> list[Found]:
        """Return every secret in the data, once for each writing."""
        if not self._canaries:
            return []
        found: dict[tuple[str, str], Found] = {}
        budget = [OPENED_MAX_BYTES]
        for each in self._look(data, (), budget):
            found.setdefault((each.fingerprint, each.encoding), each)
            if len(found) >= FOUND_MAX:
                break
        return list(found.values())

    def find_in_brotli(self, data: bytes) -> list[Found]:
        """As `find`, of what a piece is in brotli."""
        return self.find(brotli_opened(data))

    def _look(self, data: bytes, chain: tuple[str, ...], budget: list[int]) -> Iterator[Found]:
        plainly = list(self._direct(data, chain))
        yield from plainly
        known = {each.fingerprint for each in plainly}
        for name, plain in undone(data):
            yield from (each for each in self._direct(plain, (*chain, name)) if each.fingerprint not in known)
        if len(chain) >= DEPTH_MAX:
            return
        for name, inside in opened(data):
            budget[0] -= len(inside)
            if budget[0] < 0:
                return
            yield from self._look(inside, (*chain, name), budget)

    def _direct(self, data: bytes, chain: tuple[str, ...]) -> Iterator[Found]:
        yield from self._plain.matches(data, data, chain)
        yield from self._lowered.matches(data, data.lower(), chain)


class _Patterns:
    """The writings of all secrets: those that case matters in, or those that it does not."""

    def __init__(self, canaries: Sequence[Canary], *, lowered: bool) -> None:
        kinds = [
            (canary, name, pattern)
            for canary in canaries
            for name, pattern in patterns(canary.text.encode())
            if (name == "hex") == lowered
        ]
        self._of = [(canary, name) for canary, name, _ in kinds]
        found = [pattern for _, _, pattern in kinds]
        self._automaton = BytesAhoCorasick(found, implementation=Implementation.ContiguousNFA)

    def matches(self, data: bytes, searched: bytes, chain: tuple[str, ...]) -> Iterator[Found]:
        """Yield what is in `searched`, which is the data in the case of the patterns."""
        for place, start, _ in self._automaton.find_matches_as_indexes(searched, overlapping=True):
            canary, name = self._of[place]
            encoding = " > ".join((*chain, *([name] if name != "raw" or not chain else [])))
            yield Found(canary.kind, canary.fingerprint, encoding, start, _before(data, start))


def _before(data: bytes, start: int) -> str:
    """What stands before a finding, where it may be shown: a part of another secret must not be."""
    text = data[max(0, start - CONTEXT_BYTES) : start].decode("ascii", "replace")
    return "".join(char if char in _SHOWN else "." for char in text)


_SHOWN = frozenset(" \"':=/<>{}[](),.;?&-_" + "abcdefghijklmnopqrstuvwxyz")
"""No digits and no capitals: whatever random text stands before it is not shown."""
