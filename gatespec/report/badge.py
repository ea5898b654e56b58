"""The verdict as a small picture for a README: drawn here, so that no service needs to be asked for it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from gatespec.report.entries import tally
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from gatespec.verdict import Run

_LABEL = "gatespec"
_CHARACTER_PX = 7
"""Width of an average character of 11 px Verdana; the text is stretched to what was reckoned."""
_PADDING_PX = 10
_COLOURS = {Verdict.HOLDS: "#2f6f3e", Verdict.BROKEN: "#b3261e", Verdict.INCONCLUSIVE: "#8a5300"}
_OTHER_COLOUR = "#5a6270"


def badge_svg(run: Run) -> str:
    """One line: `gatespec | 3 hold`, `gatespec | 1 broken`; else the verdict's own name."""
    says = _says(run)
    left, right = _width(_LABEL), _width(says)
    return _SVG.format(
        label=_LABEL,
        says=escape(says),
        whole=left + right,
        left=left,
        right=right,
        colour=_COLOURS.get(run.verdict, _OTHER_COLOUR),
        label_x=left / 2,
        says_x=left + right / 2,
        label_length=left - _PADDING_PX,
        says_length=right - _PADDING_PX,
    )


def _says(run: Run) -> str:
    number = tally(run.judgements).get(run.verdict, 0)
    if run.verdict is Verdict.HOLDS:
        return f"{number} {'holds' if number == 1 else 'hold'}"
    return f"{number} {run.verdict}" if number else str(run.verdict)


def _width(text: str) -> int:
    return len(text) * _CHARACTER_PX + _PADDING_PX


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{label}: {says}">
  <title>{label}: {says}</title>
  <clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#3a3f47"/>
    <rect x="{left}" width="{right}" height="20" fill="{colour}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{label_x}" y="14" textLength="{label_length}">{label}</text>
    <text x="{says_x}" y="14" textLength="{says_length}">{says}</text>
  </g>
</svg>
"""
