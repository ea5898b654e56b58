"""`gatespec contract verify`: hold a gateway to the HTTP contract, request by request as the document allows them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from gatespec.cli.folder import writable
from gatespec.cli.verify import SEED_BITS, named_target
from gatespec.errors import usage
from gatespec.stack.runtimes import WHERE, runtime_named
from gatespec.suites import suites_root

if TYPE_CHECKING:
    from collections.abc import Mapping

CASES = 1_500
CASES_MAX = 1_000_000
OUT = "out/contract"
DEFAULTS = {"--target": None, "--cases": CASES, "--seed": 0, "--only": None, "--out": OUT, "--runtime": "native"}


def contract(  # noqa: PLR0913, PLR0917 - one per option
    action: Annotated[str, Argument(metavar="verify", help="There is nothing else to do.")],
    target: Annotated[str | None, Option(metavar="FILE-or-URL", help="Else the reference gateway's.")] = None,
    cases: Annotated[int, Option(metavar="N", help="Draw at least so many.")] = CASES,
    seed: Annotated[int, Option(metavar="N", help="Other dice; the same seed draws the same.")] = 0,
    only: Annotated[str | None, Option(metavar="listOffers,login", help="Operations by their ids.")] = None,
    out: Annotated[str, Option(metavar="DIR", help="Where the reports go.")] = OUT,
    runtime: Annotated[str, Option(metavar="NAME", help=WHERE)] = "native",
) -> int:
    """Ask for everything that the OpenAPI document allows, as everybody, and write the reports.

    The exit codes are those of `verify`.
    """
    from gatespec.cli.console import show_closing, watching  # noqa: PLC0415 - wrong usage is told first, and fast
    from gatespec.contract.run import ContractPlan, verify_contract  # noqa: PLC0415 - as above
    from gatespec.report.files import remove_reports, write_reports  # noqa: PLC0415 - as above
    from gatespec.verdict import exit_code  # noqa: PLC0415 - as above

    _check(action, cases, seed)
    folder = writable(out)
    wanted = frozenset(each.strip() for each in (only or "").split(",") if each.strip())
    judged = named_target(target)
    words = (target, cases, seed, only, out, runtime)
    line = _line(dict(zip(DEFAULTS, words, strict=True)))
    plan = ContractPlan(judged, folder, line, cases, seed, wanted, runtime_named(runtime))
    remove_reports(folder)
    with watching() as progress:
        progress.stage(f"holding {judged.name} to the HTTP contract, at least {cases} cases, seed {seed}")
        found = verify_contract(plan, progress)
        reports = write_reports(found, folder)
    show_closing(found.judgements, found.verdict, reports.html, reports.json, reports.junit)
    return exit_code(found.verdict)


def _check(action: str, cases: int, seed: int) -> None:
    if action != "verify":
        raise usage("contract-action", f"{action!r} is nothing to do with a contract", hint="gatespec contract verify")
    if not 1 <= cases <= CASES_MAX:
        raise usage("cases-range", f"--cases {cases}: expected 1 to {CASES_MAX}")
    if not 0 <= seed < 1 << SEED_BITS:
        raise usage("seed-range", f"--seed {seed}: expected 0 to {(1 << SEED_BITS) - 1}")


def _line(asked: Mapping[str, object]) -> str:
    """The shell line that asks for the same again; defaults are left out."""
    program = ["uv", "run", "gatespec"] if (suites_root() / "uv.lock").is_file() else ["gatespec"]
    given = [(name, str(value)) for name, value in asked.items() if value != DEFAULTS[name]]
    return shlex.join([*program, "contract", "verify", *(word for pair in given for word in pair)])
