"""What a run leaves behind: `report.html`, `report.json`, `junit.xml`, `badge.svg`."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gatespec.errors import GatespecError, unable
from gatespec.report.badge import badge_svg
from gatespec.report.junit import junit_xml
from gatespec.report.page import page_html

if TYPE_CHECKING:
    from gatespec.verdict import Run

_FILE_MODE = 0o644
"""A report is to be read by others; a temporary file starts out as its owner's alone."""


@dataclass(frozen=True)
class Reports:
    """Where the reports of one run lie."""

    html: Path
    json: Path
    junit: Path
    badge: Path

    @classmethod
    def within(cls, folder: Path) -> Self:
        """Their names."""
        return cls(*(folder / name for name in ("report.html", "report.json", "junit.xml", "badge.svg")))


def remove_reports(out_dir: Path) -> None:
    """Remove an earlier run's reports; raise `unable` where that cannot be."""
    try:
        for path in vars(Reports.within(out_dir)).values():
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(out_dir, error) from error


def write_reports(run: Run, out_dir: Path) -> Reports:
    """Write all reports of `run` into `out_dir`, which is made if need be; raise `unable` where that cannot be.

    Each file is replaced whole: whoever looks meanwhile finds the old one or the new one, never half of one.
    """
    reports = Reports.within(out_dir)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        # Escaped to ASCII: a story may hold a lone surrogate, which no encoding can write.
        _replace(reports.json, json.dumps(run.as_json(), indent=2) + "\n")
        _replace(reports.junit, junit_xml(run))
        _replace(reports.badge, badge_svg(run))
        _replace(reports.html, page_html(run))
    except OSError as error:
        raise _unwritable(out_dir, error) from error
    return reports


def _unwritable(out_dir: Path, error: OSError) -> GatespecError:
    hint = "name a folder that can be written with --out"
    return unable("report-unwritable", f"cannot write the reports into {out_dir}: {error}", hint=hint)


def _replace(path: Path, text: str) -> None:
    handle, half = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        Path(half).chmod(_FILE_MODE)
        Path(half).replace(path)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise
