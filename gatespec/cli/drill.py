"""`gatespec drill`: lose a service while traffic runs, and judge what held meanwhile."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gatespec.cli.folder import writable
from gatespec.cli.up import default_target
from gatespec.drills.drill import Drill, load_drills, named
from gatespec.errors import Exit, usage
from gatespec.stack.runtimes import WHERE, runtime_named
from gatespec.target import load_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatespec.stack.runtimes import Runtime

WIDTH = 28


def drill(  # noqa: PLR0913, PLR0917 - one per option
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Which drills.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show all drills and do nothing.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Do every drill.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Draws kind, moment and length of the fault.")] = 0,
    target: Annotated[str | None, typer.Option(help="Target file; by default the reference gateway's.")] = None,
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder for reports, record, journals.")] = "out/drill",
    runtime: Annotated[str, typer.Option(metavar="NAME", help=WHERE)] = "native",
) -> int:
    """Lose a service while traffic runs, and judge what held meanwhile. The exit codes are those of `verify`."""
    drills = load_drills()
    if list_:
        for one in drills.values():
            print(f"{one.name:<{WIDTH}}{one.sentence}")  # noqa: T201 - the command's output
        return int(Exit.HOLDS)
    chosen = list(drills.values()) if all_ else named(names or [], drills)
    if not chosen:
        raise usage("drill-unnamed", "no drill is named", hint="`gatespec drill --list` shows all; --all does all")
    return _run(chosen, Asked(seed, target, out, runtime_named(runtime)))


@dataclass(frozen=True)
class Asked:
    """What was typed beside the names."""

    seed: int
    target: str | None
    out: str
    runtime: Runtime

    def line(self, names: Iterable[str]) -> str:
        """What does the same again."""
        named = ["--target", self.target] if self.target else []
        where = ["--runtime", self.runtime] if self.runtime != "native" else []
        return shlex.join(["gatespec", "drill", *names, "--seed", str(self.seed), *named, *where, "--out", self.out])


def _run(chosen: list[Drill], asked: Asked) -> int:
    from gatespec.cli.console import show_closing, watching  # noqa: PLC0415 - a wrong name is told before all is loaded
    from gatespec.cli.up import ended_by_signals  # noqa: PLC0415 - as above
    from gatespec.drills.run import HISTORY, Drilling, run_drills  # noqa: PLC0415 - as above
    from gatespec.drills.table import table  # noqa: PLC0415 - as above
    from gatespec.report.files import remove_reports, write_reports  # noqa: PLC0415 - as above
    from gatespec.verdict import exit_code  # noqa: PLC0415 - as above

    judged, folder = load_target(asked.target or default_target()), writable(asked.out)
    remove_reports(folder)
    with ended_by_signals(), watching() as progress:
        drilling = Drilling(judged, asked.seed, folder, progress, asked.runtime)
        found = run_drills(chosen, drilling, asked.line(one.name for one in chosen))
        reports = write_reports(found, folder)
    for judgement in found.judgements:
        print("\n".join(table(judgement)))  # noqa: T201 - the command's output
    show_closing(found.judgements, found.verdict, reports.html, reports.json, folder / HISTORY)
    return int(exit_code(found.verdict))
