"""Whether something answers over HTTP: one short look, and the gate in front of a gateway that others started."""

from __future__ import annotations

import http.client
from contextlib import closing
from http import HTTPStatus
from urllib.parse import urlsplit

from gatespec.clock import until
from gatespec.errors import GatespecError, unable

READY_PATH = "/health/ready"
OK = str(HTTPStatus.OK.value)
LOOK_S = 1.0
"""How long one look may take: an instance that answers its own health slower than this is not ready."""
REACH_MS = 5_000
"""How long a running gateway may take to answer its first look: a deployment may just be switching over."""


def look(url: str, path: str = READY_PATH) -> str:
    """Ask once; return `200`, another status, or what went wrong instead."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    with closing(connect(parts.hostname or "", parts.port, timeout=LOOK_S)) as connection:
        try:
            connection.request("GET", path)
            return str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__


def answers(url: str, path: str = READY_PATH) -> bool:
    """Whether it answers 200 there."""
    return look(url, path) == OK


def reach(url: str) -> None:
    """Wait until a running gateway is ready; raise `unable` where it is not within `REACH_MS`."""
    said: list[str] = []

    def ready() -> bool:
        said.append(look(url))
        return said[-1] == OK

    if not until(ready, at_most_ms=REACH_MS):
        raise _unreachable(url, said)


def _unreachable(url: str, said: list[str]) -> GatespecError:
    heard = any(word.isdigit() for word in said)
    return unable(
        "target-unready" if heard else "target-unreachable",
        f"the gateway at {url} is not ready" if heard else f"nothing answers at {url}",
        tried=f"GET {READY_PATH}, {len(said)} times in {REACH_MS // 1000} s; the last said: {said[-1]}",
        hint="start the reference gateway with `gatespec up`, or name yours with --target",
    )
