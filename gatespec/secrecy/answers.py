"""Every answer that a gateway gave, kept until it was searched: on disk, for a run hears a million of them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from gatespec.secrecy.encodings import brotli_opened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEEN_MAX = 50_000
"""Bodies that are known already: a cache gives the same one again and again."""
BETWEEN = b"\n\n"


class AnswerLog:
    """A file of answers, readable by its owner alone; each body once."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self.path = path
        self._out = path.open("ab")
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def heard(self, headers: Mapping[str, str], body: bytes) -> None:
        """Keep one answer."""
        lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
        self._out.write(lines.encode("utf-8", "surrogateescape") + BETWEEN)
        digest = hashlib.sha256(body).digest()
        if body and digest not in self._seen:
            self._seen[digest] = None
            if len(self._seen) > SEEN_MAX:
                self._seen.popitem(last=False)
            self._out.write(_readable(headers, body) + BETWEEN)

    def flush(self) -> None:
        """Have all of it in the file."""
        self._out.flush()

    def close(self) -> None:
        """Take the file away."""
        self._out.close()
        self.path.unlink(missing_ok=True)


def _readable(headers: Mapping[str, str], body: bytes) -> bytes:
    """Brotli has no mark by which a search would know it."""
    if "br" not in headers.get("content-encoding", ""):
        return body
    return brotli_opened(body) or body
