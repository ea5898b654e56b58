"""`gatespec up`: the stack and a gateway on it, to look at and to call, until Ctrl-C."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Never, get_args

import typer
from rich.console import Console
from rich.table import Table

from gatespec.cli.folder import writable
from gatespec.clock import until
from gatespec.errors import usage
from gatespec.ports import Plan
from gatespec.providers.control_client import ProvidersControl
from gatespec.stack import ports as machine
from gatespec.stack.lane import Stack
from gatespec.stack.runtimes import WHERE, runtime_named
from gatespec.suites import suites_root
from gatespec.target import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.lane import Lane
    from gatespec.target import Target

PORT_MAX = 65_535
LOOK_MS = 2_000
"""How often it looks whether the gateway still lives, and so how late it tells."""
PLANS: tuple[Plan, ...] = get_args(Plan)
OFFERS = "/api/v2/providers"


def up(
    target: Annotated[str | None, typer.Option(help="Target file; by default the reference gateway's.")] = None,
    port: Annotated[
        int, typer.Option(min=1, max=PORT_MAX, help="Port of the first instance; the others take the next ones.")
    ] = 8000,
    instances: Annotated[int, typer.Option(min=1, max=16, help="How many processes of the gateway.")] = 2,
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder for logs.")] = "out",
    runtime: Annotated[str, typer.Option(metavar="NAME", help=WHERE)] = "native",
) -> None:
    """Start the stack and a gateway; print addresses, API keys and requests to try; end with Ctrl-C."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    judged, where = _startable(target), runtime_named(runtime)
    wanted, folder = _free(port, instances), writable(out)
    try:
        with (
            ended_by_signals(),
            Stack.start(
                folder, providers=judged.adapters, purpose="up", progress=console.print, runtime=where
            ) as stack,
            _undisturbed_end(),
        ):
            lane = stack.lane(judged, settings={}, instances=instances, ports=wanted, progress=console.print)
            _show(console, lane)
            while True:
                until(lambda: False, at_most_ms=LOOK_MS)
                lane.alive()
    except KeyboardInterrupt:
        console.print(f"\nended; the logs are in {folder / 'logs'}")


def default_target() -> str:
    """The reference gateway's target file, where this package lies in its checkout."""
    file = suites_root() / "reference_gateway" / "gateway.toml"
    if not file.is_file():
        raise usage("target-missing", "no reference gateway lies beside this package", hint="name yours with --target")
    return str(file)


def _startable(target: str | None) -> Target:
    judged = load_target(default_target() if target is None else target)
    if judged.command is None:
        raise usage("target-running", f"{judged.name} runs already", hint="name a target file with a [command] door")
    return judged


def _free(first: int, count: int) -> list[int]:
    """The ports asked for; said before anything is started where one is taken."""
    wanted = list(range(first, first + count))
    if wanted[-1] > PORT_MAX:
        hint = "choose a lower --port, or fewer --instances"
        raise usage("port-invalid", f"--port {first}: {count} instances need ports up to {wanted[-1]}", hint=hint)
    for port in wanted:
        if machine.is_taken(port):
            raise machine.in_use(port)
    return wanted


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and a closed terminal end us as Ctrl-C does."""

    def end(*_: object) -> Never:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _undisturbed_end() -> Iterator[None]:
    """Hear no second Ctrl-C while all is ended: that takes a bounded time, and impatience would only delay it."""
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def _show(console: Console, lane: Lane) -> None:
    """Everything that a person needs to look around."""
    console.print(_services(lane))
    keys: dict[str, str] = {}
    if lane.target.users is not None:
        keys = {plan: str(lane.create_users(plan, 1)[0]["api_key"]) for plan in PLANS}
        console.print("API keys, one per plan:")
        for plan, key in keys.items():
            console.print(f"  {plan:<10} {key}")
    console.print("Try:")
    for line in _requests(lane.urls, keys.get("enterprise", "")):
        console.print(f"  {line}")
    if (change := _price_change(lane)) is not None:
        console.print("Change a price of a simulated provider:")
        console.print(f"  {change}")
    console.print("For the requests of a report:")
    console.print(f"  {_export(lane.urls, keys)}")
    console.print("Ctrl-C ends it all; so does `gatespec down`.")


def _services(lane: Lane) -> Table:
    table = Table("service", "server", "address", "why", title=lane.target.name, title_justify="left")
    for service in lane.services:
        table.add_row(service.role, f"{service.server} {service.version}".strip(), service.address, service.why)
    return table


def _export(urls: list[str], keys: dict[str, str]) -> str:
    """The line that gives the curl lines of a report their words: the instances, and a key per plan."""
    gateways = [f"GATEWAY_{number}={url}" for number, url in enumerate(urls)]
    return " ".join(["export", *gateways, *(f"KEY_{plan.upper()}={key}" for plan, key in keys.items())])


def _price_change(lane: Lane) -> str | None:
    """The line that makes the first provider's first machine dearer by a tenth; None where none is simulated here."""
    if lane.stack is None or not lane.stack.providers:
        return None
    name, simulators = lane.stack.providers[0], lane.stack.simulators.url
    machine, usd = min(ProvidersControl(simulators).prices(name).usd.items())
    changes = json.dumps({"providers": [name], "usd": {machine: str(Decimal(usd) * Decimal("1.1"))}})
    return f"curl -sS -d '{changes}' {simulators}/_control/prices"


def _requests(urls: list[str], key: str) -> list[str]:
    """Three lines to paste; the second goes to another instance where there is one."""
    with_key = [f"curl -sS -H 'X-API-Key: {key}' {urls[0]}{OFFERS}"] if key else []
    return [*with_key, f"curl -sS -i {urls[-1]}{OFFERS}", f"curl -sS {urls[0]}/health/ready"]
