"""A run that holds every verdict, and strangers' text in every place where a stranger's text can stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatespec.verdict import Failure, Judgement, Run, Service, Verdict

HOSTILE = "<script>alert('x')</script>\"&amp;]]>--> \x1b[31m\x00\x85\u202e\ud800{{ 7 * 7 }}"
STATEMENT = "Admissions are counted over the trailing window."
QUOTING = "`RateLimit` and `<b>` <i>"


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def held() -> Judgement:
    return Judgement(
        "P08",
        "Sliding window",
        "MUST",
        "wire",
        "http",
        Verdict.HOLDS,
        "",
        statement=STATEMENT,
        examples=300,
        distinct=291,
        requests=2410,
        provider_calls=12,
        waited_ms=92_113,
        took_ms=61_820,
        sharpness=0.973,
        evidence={"refused": 1211, "burst-across-edge": 1},
        lag_ms=3,
    )


@pytest.fixture
def broken(held: Judgement) -> Judgement:
    failure = Failure(
        statement=STATEMENT,
        breach="6 admissions within 300 ms, where 5 are permitted",
        story=("asks(count=5)", "waits(duration_ms=299)", HOSTILE),
        requests=("curl -si http://127.0.0.1:8000/a", f"curl -si 'http://127.0.0.1:8000/{HOSTILE}'"),
        answers=("200, permitted: admitted", f"200 <- 6 admissions within 300 ms, where 5 are permitted {HOSTILE}"),
        replay="""gatespec verify --only P08 --tier wire --replay '[["asks",{"count":5}]]'""",
        reproduced=4,
        replays=5,
        meanwhile=("20-22 ms  Redis: hanging", f"240- ms  call 1 of {HOSTILE}: in-flight"),
    )
    return replace(held, verdict=Verdict.BROKEN, reason="more than the limit was admitted", failure=failure)


@pytest.fixture
def run(held: Judgement, broken: Judgement) -> Run:
    bare = Judgement("P14", "Event delivery", "MUST", "wire", "", Verdict.NOT_CLAIMED, "pipeline is not claimed")
    judgements = (
        replace(held, property_id="P03", title="Plan limits", tier="component", binding="pure"),
        replace(held, property_id="P07", verdict=Verdict.INCONCLUSIVE, reason=HOSTILE, evidence={"waited-out": 0}),
        replace(held, tier="component", binding="redis"),
        broken,
        bare,
        replace(bare, property_id="P17", verdict=Verdict.UNTESTABLE, reason="the door cannot restart it"),
        replace(bare, property_id="P20", verdict=Verdict.NOT_RUN, reason="the target died"),
        replace(held, property_id="P30", title=HOSTILE, verdict=Verdict.HARNESS_ERROR, reason="spans turn back"),
    )
    return Run(
        target=HOSTILE,
        profile="explore",
        seed=7,
        started_at="2026-01-05T10:11:12+00:00",
        took_ms=412_345,
        command="gatespec verify --seed 7",
        services=(Service("Redis API", "Valkey", "9.1.2", HOSTILE, "127.0.0.1:4021"),),
        judgements=judgements,
        requirements=(
            {
                "id": "R4.3",
                "demand": HOSTILE,
                "source": "R4",
                "covered_by": ["P08", "P03"],
                "state": "covered",
                "reason": "",
            },
            {
                "id": "R9.1",
                "demand": QUOTING,
                "source": "R9",
                "covered_by": [],
                "state": "planned",
                "reason": "with P14",
            },
        ),
    )
