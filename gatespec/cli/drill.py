"""`gatespec drill`: lose a service while traffic runs, and judge what held meanwhile."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from gatespec.cli.folder import writable
from gatespec.cli.up import default_target
from gatespec.drills.drill import Drill, load_drills, named
from gatespec.errors import Exit, usage
from gatespec.target import load_target

WIDTH = 28


def drill(  # noqa: PLR0913, PLR0917 - one per option
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Which drills.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show all drills and do nothing.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Do every drill.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Draws kind, moment and length of the fault.")] = 0,
    target: Annotated[str | None, typer.Option(help="Target file; by default the reference gateway's.")] = None,
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder for reports, record, journals.")] = "out/drill",
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
    return _run(chosen, seed, default_target() if target is None else target, out, target)


def _run(chosen: list[Drill], seed: int, target: str, out: str, typed: str | None) -> int:
    from gatespec.cli.console import show_closing, watching  # noqa: PLC0415 - a wrong name is told before all is loaded
    from gatespec.cli.up import ended_by_signals  # noqa: PLC0415 - as above
    from gatespec.drills.run import HISTORY, Drilling, run_drills  # noqa: PLC0415 - as above
    from gatespec.drills.table import table  # noqa: PLC0415 - as above
    from gatespec.report.files import remove_reports, write_reports  # noqa: PLC0415 - as above
    from gatespec.verdict import exit_code  # noqa: PLC0415 - as above

    judged, folder = load_target(target), writable(out)
    remove_reports(folder)
    words = ["gatespec", "drill", *(one.name for one in chosen), "--seed", str(seed)]
    command = shlex.join([*words, *(["--target", typed] if typed else []), "--out", out])
    with ended_by_signals(), watching() as progress:
        found = run_drills(chosen, Drilling(judged, seed, folder, progress), command)
        reports = write_reports(found, folder)
    for judgement in found.judgements:
        print("\n".join(table(judgement)))  # noqa: T201 - the command's output
    show_closing(found.judgements, found.verdict, reports.html, reports.json, folder / HISTORY)
    return int(exit_code(found.verdict))
