"""`gatespec judge out/history.jsonl`: judge a recorded run again, without the stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatespec.cli.console import show_closing, watching
from gatespec.errors import unable, usage
from gatespec.history import read_history
from gatespec.verdict import counting, exit_code, overall


def judge(history: Annotated[str, typer.Argument(metavar="HISTORY", help="A history.jsonl.")]) -> int:
    """Judge a recorded run again, without stack.

    The exit codes are those of `verify`.
    """
    path = Path(history)
    stories = _count(path)
    with watching() as progress:
        from gatespec.engine.rejudge import rejudge  # noqa: PLC0415 - a wrong path is told before Hypothesis is loaded

        progress.stage(f"judging {stories:,} recorded stories again")
        judgements = rejudge(path)
        for judgement in judgements:
            progress.finish(judgement)
    verdict = overall(judgement.verdict for judgement in counting(judgements))
    show_closing(judgements, verdict)
    return exit_code(verdict)


def _count(path: Path) -> int:
    """How many stories it holds; an error names the line where it is not a history."""
    try:
        stories = sum(1 for _ in read_history(path))
    except OSError as error:
        hint = "`gatespec verify` writes one into its --out folder"
        raise usage("history-unreadable", f"cannot read {path}: {error.strerror}", hint=hint) from error
    if not stories:
        raise unable("history-empty", f"{path} holds no story", hint="judge a run that came to an end")
    return stories
