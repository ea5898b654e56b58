"""One process that serves: granian embedded in our own event loop, so that SIGTERM is ours to answer.

granian alone refuses everything at once on SIGTERM. Here the signal turns /health/ready to 503 while requests are still
answered, waits for those at work, and only then ends granian.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from typing import TYPE_CHECKING, NoReturn

import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from reference_gateway.edge import clock
from reference_gateway.edge.gateway import Gateway
from reference_gateway.edge.listening import check_free
from reference_gateway.edge.logs import failure

if TYPE_CHECKING:
    from reference_gateway.edge.line_writer import LineWriter
    from reference_gateway.edge.settings import Address, Settings

BACKLOG = 2048
CONNECTIONS_MAX = 8192
"""Open connections of this process; granian leaves further ones in the backlog."""
HEADER_READ_MS = 10_000
"""How long a client may take to send its headers."""
HEAD_MAX_BYTES = 1_310_720
"""What the parser reads before it says 431 by itself, without our problem. So much that a request line of 1 MB is read
to its end and gets its 414: an answer that overtakes the request is lost when the connection closes."""
COLLECT_EVERY = 20_000
"""Objects that may be made, less those given back, before the cycle collector looks at them: some 2 MB."""
FAILED_EXIT = 1
LINGER_S = 0.3
"""How long readiness says 503 at least, so that a balancer can see it."""
DRAIN_POLL_S = 0.02
STOP_S = 1.0
"""How long granian may take to close its connections once nobody is waited for any more."""


def serve(settings: Settings, writer: LineWriter) -> NoReturn:
    """Serve until SIGTERM or SIGINT, drain, and exit 0. Raises `CannotListen` or `SettingInvalid` before it begins.

    The process ends without Python's own farewell: granian's threads may still ask for the interpreter, and one that
    asks while it is being taken down aborts the whole process (seen once in some ten exits).
    """
    check_free(settings.listen)
    gateway = Gateway(settings, writer)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_serve(gateway, settings))
    except BaseException as error:  # noqa: BLE001 - whatever ended it, the log says so and the process ends
        structlog.get_logger().critical("serving failed", **failure(error))
        code = FAILED_EXIT
    else:
        code = 0
    writer.close()
    os._exit(code)


async def _serve(gateway: Gateway, settings: Settings) -> None:
    server = _server(gateway, settings.listen)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await gateway.open()
    _relieve_collector()
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        await _drain(gateway, float(settings.drain_s))
        server.stop()  # type: ignore[no-untyped-call] # granian leaves it untyped
    stopping.cancel()
    await _ended(serving)
    await gateway.close()


def _relieve_collector() -> None:
    """Let the cycle collector look at young garbage only, and seldom.

    What the start made (Django, Ninja, pydantic) stays, and a request leaves no cycles: looking through all of it every
    700 objects took an eighth of the time of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)


async def _ended(serving: asyncio.Task[None]) -> None:
    """Wait for granian to end; whoever is still at work has had the whole time to drain. Raises what ended granian."""
    await asyncio.wait({serving}, timeout=STOP_S)
    if serving.done():
        serving.result()


async def _drain(gateway: Gateway, at_most_s: float) -> None:
    """Stop being ready, and wait for what is at work: at least `LINGER_S`, at most `at_most_s`."""
    log = structlog.get_logger()
    gateway.operations.draining = True
    log.info("draining", in_flight=gateway.app.inflight)
    begun_ns = clock.monotonic_ns()
    waited_s = 0.0
    while waited_s < at_most_s and (gateway.app.inflight or waited_s < LINGER_S):
        await asyncio.sleep(DRAIN_POLL_S)
        waited_s = (clock.monotonic_ns() - begun_ns) / 1e9
    log.info("drained", in_flight=gateway.app.inflight)


def _server(gateway: Gateway, listen: Address) -> Server:
    return Server(
        gateway.app,
        address=listen.host,
        port=listen.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONNECTIONS_MAX,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_MS, max_buffer_size=HEAD_MAX_BYTES),
        log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {"_granian": {"propagate": True, "handlers": []}}},
    )
