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

from gatespec.diagnosis import diagnose, worst_of
from gatespec.stack.finder import Missing, Server
from gatespec.stack.runtimes import WHERE, ServersToStart, runtime_named
from gatespec.target import load_target

PIPED_COLUMNS = 250
"""Where no terminal sets a width, a path stays whole: it is to be searched for and copied."""


def doctor(
    target: Annotated[
        str | None, typer.Option(metavar="FILE-or-URL", help="Look through this target file too.")
    ] = None,
    runtime: Annotated[str, typer.Option(metavar="NAME", help=WHERE)] = "native",
) -> None:
    """Show what a judgement would run on, and every mistake of a target file.

    The exit code is 3 where something is missing, 2 where only the target file is wrong.
    """
    judged = load_target(target) if target is not None else None
    found = [_judge(), _python(), *ServersToStart(runtime_named(runtime)).look()]
    missing = [each.as_error() for each in found if isinstance(each, Missing)]
    wrong = [*missing, *(diagnose(judged) if judged else ())]
    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    console = Console(highlight=False, markup=False, soft_wrap=True, width=width)
    console.print(_table(found))
    for error in wrong:
        console.print(str(error))
    if wrong:
        raise typer.Exit(worst_of(wrong))
    console.print(f"nothing is missing, and {target} can be judged" if target else "nothing is missing")


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
