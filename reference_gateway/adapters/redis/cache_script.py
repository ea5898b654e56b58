"""The cache script's arguments and answers, without a connection: its callers are async, in pipelines, or sync."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from reference_gateway.adapters.redis.stored_offers import VERSION, decode
from reference_gateway.adapters.redis.words import Call, Script, number
from reference_gateway.core.cache.entry import Entry, Held
from reference_gateway.core.cache.ports import Lease, Told

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).with_name("cache.lua").read_text(encoding="ascii")
PREFIX = f"cache:{VERSION}:"
PLAIN = "/:@+"
"""What stands in a name as it is, beside letters, digits and `_.-~`: no blank, which would cut a notice in two, and no
brace, by which a user would choose his slot in a cluster."""
SLACK_MS = 60_000
"""Beyond its use a hash lives this long: it also holds the lease and what was invalidated."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What every call is made with."""

    ttl_ms: int
    use_ms: int
    """How long after it was taken an entry may be shown, if only as the last known."""
    lease_ms: int
    channel: str
    """Where changes are told; empty: nowhere."""

    @property
    def keep_ms(self) -> int:
        """How long an untouched hash stays."""
        return max(self.use_ms, self.lease_ms) + SLACK_MS

    @property
    def script(self) -> Script:
        """What runs on these terms."""
        return Script(SOURCE, (self.keep_ms, self.channel))


def name_of(key: str) -> str:
    """Name a key in Redis; a user's `sub` may be any text."""
    return PREFIX + quote(key, PLAIN)


def key_named(name: str) -> str:
    """Read the key again from its name."""
    return unquote(name.removeprefix(PREFIX))


def ask(terms: Terms, token: str, newer_than: int, have: int) -> Call:
    """Build the words of `L1Store.ask`."""
    return ("ask", token, terms.lease_ms, terms.ttl_ms, terms.use_ms, newer_than, have)


def write(token: str, entry: Entry, stored: bytes) -> Call:
    """Build the words of `L1Store.write`."""
    return ("write", token, entry.as_of_ms, entry.took_ms, stored)


def renew(terms: Terms, token: str) -> Call:
    """Build the words of `L1Store.renew`."""
    return ("renew", token, terms.lease_ms)


def release(token: str) -> Call:
    """Build the words of `L1Store.release`."""
    return ("release", token)


INVALIDATE: Call = ("invalidate",)
FLOOR: Call = ("floor",)


def told(reply: Sequence[Any], key: str, token: str, sent_ms: int) -> Told:
    """Read the answer to `ask`, sent at `sent_ms` by our clock; raises `TooLate`, or ValueError for a strange entry.

    The server read its clock after that, so on ours the entry is a little older than it is, never younger.
    """
    leased = number(reply)
    now_ms, _, busy_ms, fresh = map(int, reply[:4])
    lease = Lease(key, token, leased) if leased else None
    return Told(_held(reply, sent_ms - now_ms), bool(fresh), lease, busy_ms)


def _held(reply: Sequence[Any], behind_ms: int) -> Held | None:
    if len(reply) <= 4:  # noqa: PLR2004 - nothing follows what is said of the key
        return None
    epoch, taken_ms, outdated, as_of_ms, took_ms = map(int, reply[4:9])
    stored = bytes(reply[9])
    return Held(Entry(decode(stored), len(stored), as_of_ms, taken_ms + behind_ms, took_ms, epoch), bool(outdated))
