"""`python -m gatespec.proxy --control 21000`: pass on, and fail as told, until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from gatespec.proxy.control import Control


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the control port trusts whoever reaches it, so it is on the loopback address."""
    parser = argparse.ArgumentParser(prog="python -m gatespec.proxy", description=__doc__)
    parser.add_argument("--control", type=int, required=True, help="port on 127.0.0.1 for the judge's words")
    asyncio.run(_serve(parser.parse_args(argv).control))
    return 0


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    control = Control()
    server = await asyncio.start_server(control.converse, "127.0.0.1", port)
    try:
        await stop.wait()
    finally:
        server.close()
        await control.close()


if __name__ == "__main__":
    sys.exit(main())
