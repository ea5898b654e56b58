"""`python -m gatespec.providers`: serve simulated providers until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import re
import sys
from typing import TYPE_CHECKING

from gatespec.errors import GatespecError, usage
from gatespec.providers.catalogue import LAMBDA_SERIES
from gatespec.providers.dialects import DIALECTS
from gatespec.providers.fleet import PROVIDERS_MAX
from gatespec.providers.serve import application, run
from gatespec.providers.simulator import FIRST_DAY, UnknownPrices, opening_day

if TYPE_CHECKING:
    from datetime import date

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_POOL = re.compile(r"([a-z0-9][a-z0-9-]{0,58}):([0-9]{1,4})(?::([a-z0-9-]{1,63}))?")
LAMBDA = "lambda"


def main(argv: list[str] | None = None) -> int:
    """Serve; the first line on stdout is `{"listening": "http://..."}`. Return the exit code."""
    asked = _arguments(argv)
    try:
        host, port = _address(asked.listen, trusted=asked.trust_network)
        names = provider_names(asked.providers, asked.pool)
        app = application(names, _opening(asked.series, asked.day))
        asyncio.run(run(app, host, port, _announce))
    except GatespecError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's own voice
        return int(error.exit_code)
    return 0


def provider_names(listed: str, pools: list[str]) -> dict[str, str]:
    """Each provider's adapter by its name. At least one provider, none twice.

    One that is named like an adapter speaks that API. A pool `vast:200:vastai` is vast-000 to vast-199, all speaking
    `vastai`. Every other speaks `lambda`.
    """
    names = {name: name if name in DIALECTS else LAMBDA for name in listed.split(",") if name}
    for pool in pools:
        if not (match := _POOL.fullmatch(pool)) or (match[3] or LAMBDA) not in DIALECTS:
            raise usage(
                "pool-malformed",
                f"--pool {pool!r} is not NAME:COUNT or NAME:COUNT:ADAPTER",
                hint=f"for example --pool lambda:200; adapters are {', '.join(sorted(DIALECTS))}",
            )
        names |= {f"{match[1]}-{number:03}": match[3] or LAMBDA for number in range(int(match[2]))}
    if bad := [name for name in names if not _NAME.fullmatch(name)]:
        raise usage("provider-malformed", f"{bad[0]!r} is no provider name: lower-case letters, digits and hyphens")
    if not 1 <= len(names) <= PROVIDERS_MAX:
        raise usage("providers-count", f"{len(names)} providers named, expected 1 to {PROVIDERS_MAX}")
    return names


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gatespec.providers", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", help="loopback address and port; port 0: any free one")
    parser.add_argument(
        "--trust-network", action="store_true", help="listen elsewhere too: for a container, whose network is its own"
    )
    parser.add_argument("--providers", default="", help="names, separated by commas")
    parser.add_argument("--pool", action="append", default=[], help="NAME:COUNT[:ADAPTER], repeatable")
    parser.add_argument("--series", help="whose real prices, provider/kind of the price data; else each API's own")
    parser.add_argument("--day", help="the day of that series (else Lambda's) whose prices they begin with")
    return parser.parse_args(argv)


def _address(listen: str, *, trusted: bool = False) -> tuple[str, int]:
    """Loopback only, unless the network is trusted: the control API does as it is told by whoever reaches it."""
    host, _, port = listen.rpartition(":")
    try:
        if port.isdigit() and (ipaddress.ip_address(host).is_loopback or trusted) and int(port) < 1 << 16:
            return host, int(port)
    except ValueError:
        pass
    raise usage("listen-malformed", f"--listen {listen!r} is not a loopback address and port", hint="use 127.0.0.1:0")


def _opening(series: str | None, day: str | None) -> tuple[str, date] | None:
    """The prices to begin with, where they are named; a usage error names what the data does not have."""
    if series is None and day is None:
        return None
    named = series or LAMBDA_SERIES
    try:
        return named, opening_day(named, day or str(FIRST_DAY))
    except UnknownPrices as error:
        raise usage("prices-unknown", f"--{error}") from error


def _announce(url: str) -> None:
    print(json.dumps({"listening": url}), flush=True)  # noqa: T201 - read by whoever started us


if __name__ == "__main__":
    sys.exit(main())
