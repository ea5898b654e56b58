"""The same drill as Chaos Toolkit writes it: an experiment, and the journal of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from gatespec.drills.drill import Drill
    from gatespec.history import Example
    from gatespec.verdict import Judgement

STATUS = {Verdict.HOLDS: "completed", Verdict.BROKEN: "completed", Verdict.HARNESS_ERROR: "failed"}


def journal_of(
    drill: Drill, example: Example, judgement: Judgement, span: tuple[str, str], version: str
) -> dict[str, Any]:
    """By the names of Chaos Toolkit's journal; what it has no name for stands in the record beside it.

    `span` is when the drill began and ended, RFC 3339.
    """
    holds = judgement.verdict is Verdict.HOLDS
    met = judgement.evidence.get("steady-before", 0) > 0
    done = [_activity(d.what, d.how, (d.done_ms - d.began_ms) / 1000) for d in example.disturbances]
    return {
        "chaoslib-version": "",
        "platform": f"gatespec {version}",
        "node": "",
        "experiment": _experiment(drill),
        "start": span[0],
        "end": span[1],
        "status": STATUS.get(judgement.verdict, "aborted"),
        "deviated": judgement.verdict is Verdict.BROKEN,
        "steady_states": {
            "before": {"steady_state_met": met, "probes": []},
            "after": {"steady_state_met": holds, "probes": []},
            "during": [],
        },
        "run": done,
        "rollbacks": [each for each in done if each["activity"]["name"].endswith((": well", ": running"))],
        "duration": sum(1 for _ in (judgement.timeline.seconds if judgement.timeline else ())),
    }


def _experiment(drill: Drill) -> dict[str, Any]:
    claims = [_probe(claim.__name__, " ".join((claim.__doc__ or "").split())) for claim in drill.claims]
    return {
        "version": "1.0.0",
        "title": drill.name,
        "description": drill.sentence,
        "tags": [drill.fault.victim],
        "steady-state-hypothesis": {"title": "what holds before, meanwhile and after", "probes": claims},
        "method": [_action(f"{drill.fault.victim}: {' or '.join(drill.fault.kinds)}")],
        "rollbacks": [_action(f"{drill.fault.victim}: well")],
    }


def _probe(name: str, said: str) -> dict[str, Any]:
    provider = {"type": "python", "module": "gatespec.drills.claims", "func": name}
    return {"type": "probe", "name": said or name, "tolerance": True, "provider": provider}


def _action(name: str) -> dict[str, Any]:
    provider = {"type": "python", "module": "gatespec.drills.runner", "func": "conduct"}
    return {"type": "action", "name": name, "provider": provider}


def _activity(what: str, how: str, took_s: float) -> dict[str, Any]:
    return {"activity": _action(f"{what}: {how}"), "status": "succeeded", "duration": took_s, "output": None}
