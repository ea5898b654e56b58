"""`gatespec doctor`: which server of which version would be used, and why; what is missing, and how to get it."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gatespec.errors import Exit
from gatespec.stack.finder import Missing, Server
from gatespec.stack.runtimes import WHERE, ServersToStart, runtime_named

PIPED_COLUMNS = 250
"""Where no terminal sets a width, a path stays whole: it is to be searched for and copied."""


def doctor(runtime: Annotated[str, typer.Option(metavar="NAME", help=WHERE)] = "native") -> None:
    """Show what a judgement would run on; exit code 3 where something is missing."""
    found = [_judge(), _python(), *ServersToStart(runtime_named(runtime)).look()]
    missing = [each for each in found if isinstance(each, Missing)]
    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    console = Console(highlight=False, markup=False, soft_wrap=True, width=width)
    console.print(_table(found))
    for each in missing:
        console.print(str(each.as_error()))
    if missing:
        raise typer.Exit(Exit.COULD_NOT_JUDGE)
    console.print("nothing is missing")


def _judge() -> Server:
    return Server("Judge", "gatespec", version("gatespec"), Path(__file__).resolve().parent.parent, "runs now")


def _python() -> Server:
    path = Path(sys.executable)
    return Server("Python", platform.python_implementation(), platform.python_version(), path, "runs the judge")


def _table(found: list[Server | Missing]) -> Table:
    table = Table("role", "server", "version", "why")
    table.add_column("path", overflow="fold")  # a path is to be copied, so never cut
    for each in found:
        if isinstance(each, Missing):
            table.add_row(each.role, "missing", "", f"tried {each.tried}", "")
        else:
            table.add_row(each.role, each.name, each.version, each.why, str(each.path))
    return table
