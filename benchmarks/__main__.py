"""`python -m benchmarks`: measure, equate, print; `make bench` calls it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.main import get_command

from benchmarks.measure import measure
from benchmarks.plan import PARTS, USUAL, Plan, checked
from benchmarks.report import FILE, show, write_report
from gatespec.cli.console import watching
from gatespec.errors import Exit, GatespecError, usage

INTERRUPTED = 128 + 2
"""What shells expect of a program that Ctrl-C ended."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def bench(
    rounds: Annotated[int, typer.Option(help="How often each contender has its turn.")] = Plan.rounds,
    seconds: Annotated[float, typer.Option(help="How long one turn lasts.")] = Plan.seconds,
    only: Annotated[str, typer.Option(metavar="PART,PART", help=f"Of {', '.join(PARTS)}; else all but the last.")] = "",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where bench.json and the logs go.")] = Path("out"),
) -> None:
    """Measure the reference gateway beside baselines that send the same bytes; no number without its equation."""
    parts = tuple(only.split(",")) if only else USUAL
    plan = checked(Plan(out, shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]), rounds, seconds, parts))
    _clear(out)
    with watching(sys.stderr) as progress:
        measured = measure(plan, progress.stage)
    show(Console(highlight=False), measured, plan)
    print(f"report: {write_report(measured, plan)}")


def _clear(out: Path) -> None:
    """Take away an earlier run's report, so that nobody reads it for this one's."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / FILE).unlink(missing_ok=True)
    except OSError as error:
        hint = "name a folder that can be written: --out DIR"
        raise usage("out-unwritable", f"--out {out}: {error.strerror}", hint=hint) from error


def main() -> int:
    """Run the command line; every failure has one form, and its own exit code."""
    try:
        return int(get_command(app)(prog_name="python -m benchmarks", standalone_mode=False) or 0)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except GatespecError as error:
        return _fail(error)
    except typer.TyperException as error:
        return _fail(usage("usage", error.format_message(), hint="`python -m benchmarks --help` shows the options"))


def _fail(error: GatespecError) -> Exit:
    print(error, file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
