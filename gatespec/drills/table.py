"""A drill's timeline as text: what the picture in the report shows, for whoever reads or hears it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.verdict import Judgement

HEAD = "second  fault  answered  limited  errors    median     worst    oldest"


def table(judgement: Judgement) -> Iterator[str]:
    """One line a second."""
    if judgement.timeline is None:
        return
    yield f"{judgement.property_id}: {judgement.statement}"
    yield HEAD
    for s in judgement.timeline.seconds:
        fault = "yes" if s.faulty else ""
        yield (
            f"{s.at_s:>6}  {fault:<5}  {s.answered:>8}  {s.limited:>7}  {s.errors:>6}  "
            f"{s.median_ms:>5} ms  {s.worst_ms:>5} ms  {s.oldest_ms:>5} ms"
        )
