"""The gateway's own answer, taken from the wire, for the baselines to send byte for byte."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.books import Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVERS_OWN = frozenset({"date", "server"})
"""granian adds these by itself."""
ASK_S = 10.0
"""How long one answer may take; the first waits for a provider."""


@dataclass(frozen=True)
class Answer:
    """Status, fields in their order and with lower-case names, and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    @property
    def body(self) -> bytes:
        """The bytes that are sent."""
        return self.text.encode()

    def field(self, name: str) -> str:
        """A field's value; empty where it was not sent."""
        return dict(self.headers).get(name, "")


@dataclass(frozen=True)
class Sample:
    """What a client gets that has nothing yet, and what one gets that has it all."""

    full: Answer
    not_modified: Answer

    def write(self, file: Path) -> None:
        """Hand it to a baseline's process."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Sample:
        """Take what `write` wrote."""
        said = json.loads(file.read_text(encoding="utf-8"))
        return cls(_answer(said["full"]), _answer(said["not_modified"]))


def _answer(said: dict[str, object]) -> Answer:
    headers: list[tuple[str, str]] = said["headers"]  # type: ignore[assignment] # JSON that `write` wrote
    return Answer(int(str(said["status"])), tuple((name, value) for name, value in headers), str(said["text"]))


def take_sample(url: str, token: str) -> tuple[Sample, Account]:
    """Read twice, so that the second answer comes from the cache, and once more with its ETag; say what was sent."""
    cold, warm = _ask(url, token), _ask(url, token)
    unchanged = _ask(url, token, {"If-None-Match": warm.field("etag")})
    asked = (cold, warm, unchanged)
    statuses = Counter(answer.status for answer in asked)
    caches = Counter(outcome_of(answer.field("cache-status")) for answer in asked)
    return Sample(warm, unchanged), Account(statuses, caches)


def outcome_of(cache_status: str) -> str:
    """Read RFC 9211's field as k6/reads.js does: the last member is the tier nearest the client."""
    nearest = cache_status.rsplit(",", maxsplit=1)[-1]
    if "fwd=" in nearest:
        return "miss"
    if "hit" not in nearest:
        return "none"
    return "stale" if "ttl=-" in nearest else "hit"


def _ask(url: str, token: str, more: Mapping[str, str] | None = None) -> Answer:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ASK_S)) as connection:
        connection.request("GET", parts.path, headers={"Authorization": f"Bearer {token}", **(more or {})})
        said = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in said.getheaders() if name.lower() not in SERVERS_OWN)
        return Answer(said.status, headers, said.read().decode())
