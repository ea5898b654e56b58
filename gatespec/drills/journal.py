"""The same drill as Chaos Toolkit writes it: an experiment that it could run, and the journal of its run.

Its steady state is judged from the record, so it can be asked for after the method alone
(`--hypothesis-strategy=after-method-only`).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gatespec.drills.phases import WELL
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.drills.claim import Claim
    from gatespec.drills.drill import Drill
    from gatespec.history import Example
    from gatespec.read_ports import Disturbance
    from gatespec.verdict import Judgement

CHAOSLIB = "1.44.0"
"""The version of chaostoolkit-lib whose form this is."""
STATUS = {Verdict.HOLDS: "completed", Verdict.BROKEN: "completed", Verdict.HARNESS_ERROR: "failed"}


@dataclass(frozen=True)
class Written:
    """Where and how a drill was conducted."""

    seed: int
    out: str
    """The folder of its record."""
    record: str
    at: Callable[[int], str]
    """A moment of the record's clock, RFC 3339."""


def journal_of(drill: Drill, example: Example, judgement: Judgement, written: Written) -> dict[str, Any]:
    """By the names of Chaos Toolkit's journal; what it has no name for stands in the record beside it."""
    began_ms = min((e.span.sent_ms for e in example.exchanges), default=0)
    ended_ms = max((e.span.heard_ms for e in example.exchanges), default=began_ms)
    done = [_done(each, written) for each in example.disturbances]
    met = judgement.evidence.get("steady-before", 0) > 0
    return {
        "chaoslib-version": CHAOSLIB,
        "platform": f"gatespec {version('gatespec')} on {platform.platform()}",
        "node": platform.node(),
        "experiment": experiment_of(drill, written),
        "start": written.at(began_ms),
        "status": STATUS.get(judgement.verdict, "aborted"),
        "deviated": judgement.verdict is Verdict.BROKEN,
        "steady_states": {
            "before": {"steady_state_met": met, "probes": []},
            "after": _after(drill, example, judgement, written),
            "during": [],
        },
        "run": done,
        "rollbacks": [told for told, each in zip(done, example.disturbances, strict=True) if each.how in WELL],
        "end": written.at(ended_ms),
        "duration": (ended_ms - began_ms) / 1000,
    }


def experiment_of(drill: Drill, written: Written) -> dict[str, Any]:
    """What Chaos Toolkit would run: the drill itself; then each of its claims is a probe of the record."""
    drilled = ["drill", drill.name, "--seed", str(written.seed), "--out", written.out]
    return {
        "version": "1.0.0",
        "title": drill.name,
        "description": drill.sentence,
        "tags": [drill.fault.victim],
        "steady-state-hypothesis": {
            "title": "what holds before, meanwhile and after",
            "probes": [_probe(drill, claim, written) for claim in drill.claims],
        },
        "method": [_action(f"{drill.fault.victim}: {' or '.join(drill.fault.kinds)}", *drilled)],
        "rollbacks": [_action("end what a dead run left", "down")],
    }


def _probe(drill: Drill, claim: Claim, written: Written) -> dict[str, Any]:
    return {
        "type": "probe",
        "name": " ".join((claim.__doc__ or claim.__name__).split()),
        "tolerance": True,
        "provider": {
            "type": "python",
            "module": "gatespec.drills.again",
            "func": "holds",
            "arguments": {"record": written.record, "drill": drill.name, "claim": claim.__name__},
        },
    }


def _action(name: str, *words: str) -> dict[str, Any]:
    return {
        "type": "action",
        "name": name,
        "provider": {"type": "process", "path": "gatespec", "arguments": list(words)},
    }


def _after(drill: Drill, example: Example, judgement: Judgement, written: Written) -> dict[str, Any]:
    """Each claim as its probe saw it."""
    told = [(claim, not any(claim(example, drill.heals_ms))) for claim in drill.claims]
    ended = written.at(max((e.span.heard_ms for e in example.exchanges), default=0))
    probes = [
        {
            "activity": _probe(drill, claim, written),
            "output": holds,
            "start": ended,
            "status": "succeeded",
            "end": ended,
            "duration": 0.0,
            "tolerance_met": holds,
        }
        for claim, holds in told
    ]
    return {"steady_state_met": judgement.verdict is Verdict.HOLDS, "probes": probes}


def _done(done: Disturbance, written: Written) -> dict[str, Any]:
    whom = f" {done.whom}" if done.whom else ""
    return {
        "activity": _action(f"{done.what}{whom}: {done.how}"),
        "output": done.bit,
        "start": written.at(done.began_ms),
        "status": "succeeded",
        "end": written.at(done.done_ms),
        "duration": (done.done_ms - done.began_ms) / 1000,
    }
