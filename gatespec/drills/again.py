"""One claim of a recorded drill, judged again: what a probe of Chaos Toolkit calls."""

from __future__ import annotations

from pathlib import Path

from gatespec.drills.drill import load_drills, named
from gatespec.errors import unable
from gatespec.history import read_history


def holds(record: str, drill: str, claim: str) -> bool:
    """Whether every run of the drill in this record keeps the claim; raise `unable` where it holds none."""
    (conducted,) = named([drill], load_drills())
    claims = [each for each in conducted.claims if each.__name__ == claim]
    examples = [each for each in read_history(Path(record)) if each.context.property_id == drill]
    if not claims or not examples:
        raise unable("history-empty", f"{record} holds no run of {drill} that could keep {claim!r:.60}")
    return not any(list(claims[0](example, conducted.heals_ms)) for example in examples)
