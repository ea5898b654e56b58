"""A drill's timeline as a picture: four rows over its seconds, the fault shaded and named; the table says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.verdict import Second, Timeline

WIDTH, ROW, GAP, LEFT, TOP = 640, 44, 14, 96, 22
ROWS: tuple[tuple[str, str, Callable[[Second], int]], ...] = (
    ("answered", "/s", lambda s: s.answered),
    ("worst", "ms", lambda s: s.worst_ms),
    ("errors", "/s", lambda s: s.errors),
    ("oldest", "ms", lambda s: s.oldest_ms),
)
"""Throughput, latency, errors, staleness."""


def picture(timeline: Timeline, anchor: str) -> Markup:
    """An inline SVG that needs no colour: the fault is hatched between dashed lines and written above.

    `anchor` is the page's own name for the entry: a hatch that stands in a closed entry fills none elsewhere.
    """
    hatch = f"hatch-{anchor}"
    height = TOP + len(ROWS) * (ROW + GAP)
    parts = [*_windows(timeline, height, hatch), *(part for n, _ in enumerate(ROWS) for part in _row(timeline, n))]
    label = escape(f"Timeline of {len(timeline.seconds)} seconds; the table below says the same")
    return Markup(  # noqa: S704 - numbers of our own, and texts that are escaped
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'
        f'<defs><pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<path d="M0 6L6 0" stroke="currentColor" stroke-opacity=".35"/></pattern></defs>'
        f"{''.join(parts)}</svg>"
    )


def _x(timeline: Timeline, at_ms: float) -> float:
    return round(LEFT + (WIDTH - LEFT) * min(1.0, at_ms / 1000 / max(1, len(timeline.seconds))), 1)


def _windows(timeline: Timeline, height: int, hatch: str) -> Iterator[str]:
    for how, from_ms, to_ms in timeline.windows:
        left, right = _x(timeline, from_ms), _x(timeline, to_ms)
        wide, high = round(right - left, 1), height - TOP
        yield f'<rect x="{left}" y="{TOP}" width="{wide}" height="{high}" fill="url(#{hatch})"/>'
        yield f'<path d="M{left} {TOP}V{height}M{right} {TOP}V{height}" stroke="currentColor" stroke-dasharray="4 3"/>'
        yield f'<text x="{left}" y="14" fill="currentColor">{escape(how)}</text>'


def _row(timeline: Timeline, number: int) -> Iterator[str]:
    name, unit, value = ROWS[number]
    most = max([1, *(value(second) for second in timeline.seconds)])
    base = TOP + number * (ROW + GAP) + ROW
    points = (
        f"{_x(timeline, second.at_s * 1000 + 500)},{round(base - ROW * value(second) / most, 1)}"
        for second in timeline.seconds
    )
    yield f'<text x="0" y="{base - 16}" fill="currentColor">{name}</text>'
    yield f'<text x="0" y="{base - 2}" fill="currentColor">to {most} {unit}</text>'
    yield f'<path d="M{LEFT} {base}H{WIDTH}" stroke="currentColor" stroke-opacity=".4"/>'
    yield f'<polyline points="{" ".join(points)}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
