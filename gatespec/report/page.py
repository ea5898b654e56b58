"""The report for people: one HTML file that needs nothing else, neither network nor script."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gatespec.report.entries import chapters, counts, duration, headline, percent, tally
from gatespec.report.timeline import picture
from gatespec.report.visible import visible
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from gatespec.verdict import Failure, Run

REQUESTS_SHOWN_MAX = 200
"""Requests of one failing story that the page spells out; report.json holds all of them."""
_SYMBOLS = {
    Verdict.HOLDS: "✓",
    Verdict.BROKEN: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.UNTESTABLE: "⊘",
    Verdict.NOT_CLAIMED: "⊘",
    Verdict.NOT_RUN: "○",
    Verdict.HARNESS_ERROR: "!",
}
_STATES = ("covered", "partly covered", "not shown", "planned", "excluded")


def page_html(run: Run) -> str:
    """Render the whole report; every text of the run is escaped, and no script but our own may run."""
    templates = _templates()
    style, script = _source(templates, "page.css"), _source(templates, "page.js")
    return templates.get_template("page.html.j2").render(
        run=run,
        headline=headline(run.judgements, run.verdict),
        tally=tally(run.judgements),
        chapters=chapters(run.judgements),
        requirements=[_row(row) for row in run.requirements],
        states=_states(run),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("gatespec.report", "."),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"duration": duration, "percent": percent, "kind": _kind, "counts": counts, "prose": _prose}
    templates.globals |= {
        "symbols": _SYMBOLS,
        "exchanges": _exchanges,
        "picture": picture,
        "known_states": _STATES,
        "shown_max": REQUESTS_SHOWN_MAX,
    }
    return templates


def _source(templates: Environment, name: str) -> str:
    """Read a file that stands in the page as it is."""
    loader = templates.loader
    return loader.get_source(templates, name)[0] if loader else ""


def _shown(value: object) -> object:
    """Make every text visible on its way into the page; numbers and our own markup pass."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _prose(text: str) -> Markup:
    """The specification writes names between backticks; they stand in the page as code, all else escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))  # noqa: S704 - escaped before it is marked up


def _hash(source: str) -> str:
    """What the page's content security policy knows its own style and script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _kind(verdict: Verdict) -> str:
    """The verdict as a CSS class: `not-run`."""
    return verdict.value.replace(" ", "-")


def _exchanges(failure: Failure) -> list[tuple[str, str]]:
    """Each request beside its answer; a missing half is empty."""
    return list(zip_longest(failure.requests, failure.answers, fillvalue=""))


def _row(row: dict[str, Any]) -> dict[str, str]:
    """One line of the matrix, as text; lists are read out, and what is absent is empty."""
    names = ("id", "demand", "source", "covered_by", "state", "reason")
    return {name: _text(row.get(name)) for name in names}


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return "" if value is None else str(value)


def _states(run: Run) -> dict[str, int]:
    """How many requirements are in each state, the known states first."""
    found = [_text(row.get("state")) for row in run.requirements]
    return {state: found.count(state) for state in (*_STATES, *sorted(set(found) - set(_STATES))) if state in found}
