"""Words for a script on a Redis: each about one key, valid until a last moment, answered with the server's clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Call = tuple[bytes | int | str, ...]
"""A verb of the script, and what it takes."""
Reply = list[Any]


class TooLate(Exception):  # noqa: N818 - it is what the server said
    """The script ran when nobody was waiting any more, and did nothing."""


@dataclass(frozen=True, slots=True)
class Word:
    """One call of a script: its key, as the script gets it, and what follows."""

    key: str
    call: Call


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and what all its calls are made with."""

    source: str = field(repr=False)
    common: Call

    @property
    def sha(self) -> str:
        """What a server knows it by."""
        return _sha(self.source)

    def arguments(self, word: Word, *, now_ms: int | None = None, last_ms: int = 0) -> Call:
        """Build what follows EVALSHA: `now_ms` None is the server's own clock; after `last_ms` nothing is done."""
        verb, *rest = word.call
        moment = "" if now_ms is None else now_ms
        return (1, word.key, verb, moment, last_ms, *self.common, *rest)


@cache
def _sha(source: str) -> str:
    return hashlib.sha1(source.encode("ascii"), usedforsecurity=False).hexdigest()


def server_ms(reply: Sequence[Any]) -> int:
    """Read the server's clock from any answer."""
    return int(reply[0])


def number(reply: Sequence[Any]) -> int:
    """Read the one number of an answer; raises `TooLate`."""
    if len(reply) == 1:
        raise TooLate
    return int(reply[1])
