"""`python -m benchmarks.baselines bare|ninja PORT SAMPLE`: serve on 127.0.0.1 until a signal ends it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from benchmarks.baselines import bare, ninja_view
from benchmarks.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

APPLICATIONS: dict[str, Callable[[Sample], Any]] = {"bare": bare.application, "ninja": ninja_view.application}


def main() -> None:
    """Serve as the reference gateway's process does: same interface, one worker, same flags, same event loop."""
    name, port, sample = sys.argv[1:]
    application = APPLICATIONS[name](Sample.read(Path(sample)))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(application, int(port)))


async def _serve(application: Any, port: int) -> None:  # noqa: ANN401 - granian takes any ASGI callable
    server = Server(
        application,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=2048,
        backpressure=8192,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=1_310_720),
        log_enabled=True,
    )
    await server.serve()


if __name__ == "__main__":
    main()
