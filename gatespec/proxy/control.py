"""The judge's words to the proxy: one JSON object a line, each answered by one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gatespec.proxy.faults import fault_of
from gatespec.proxy.route import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES_MAX = 100
TAKEN = "port-taken"
"""The one refusal that the judge must tell from others: it tries another port."""


class Control:
    """All routes of one proxy, by name."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one judge until it leaves."""
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answered(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # it left in the middle of a word, or its line has no end
            pass
        finally:
            writer.close()

    async def _answered(self, line: bytes) -> dict[str, Any]:
        try:
            said = json.loads(line)
            return await self._obey(said["word"], said)
        except (ValueError, KeyError, TypeError) as error:
            return {"error": "malformed", "message": f"{type(error).__name__}: {error}"}
        except OSError as error:
            return {"error": TAKEN, "message": str(error)}

    async def _obey(self, word: str, said: Mapping[str, Any]) -> dict[str, Any]:
        if word == "ready":
            return {"routes": sorted(self._routes)}
        if word == "open":
            return await self._open(said["name"], int(said["port"]), said["upstream"])
        route = self._routes[said["name"]]
        if word == "impose":
            return asdict(await route.impose([fault_of(fault) for fault in said["faults"]]))
        if word == "evidence":
            return asdict(route.evidence())
        raise ValueError(f"there is no word {word!r:.40}")

    async def _open(self, name: str, port: int, upstream: str) -> dict[str, Any]:
        if name in self._routes or len(self._routes) >= ROUTES_MAX:
            raise ValueError(f"{name!r:.40} is open already, or {ROUTES_MAX} others are")
        host, _, number = upstream.rpartition(":")
        route = Route(port, (host, int(number)))
        await route.open()
        self._routes[name] = route
        return {"port": port}

    async def close(self) -> None:
        """Close every route."""
        await asyncio.gather(*(route.close() for route in self._routes.values()))
