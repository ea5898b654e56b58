"""What happened beside the requests, as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from gatespec.checkers.findings import Breach
from gatespec.engine.failure import curl, describe
from gatespec.engine.tally import Broken
from gatespec.engine.timeline import timeline
from gatespec.history import Context, Example
from gatespec.ports import Exchange, Identity, Request, Span
from gatespec.read_ports import Disturbance, UpstreamCall

ASKED = Request(Identity("user", "a", "free"))
STORY = Example(
    Context("P08", "wire", "http", 2, {}),
    0,
    [Exchange(ASKED, Span(1_000, 1_010), 200)],
    calls=[
        UpstreamCall("pool-1-000", 1, 1_004, 1_008, "ok"),
        UpstreamCall("pool-1-001", 1, 1_240, None, "in-flight"),
    ],
    disturbances=[
        Disturbance("provider", "pool-1-000", "hang", 990, 991),
        Disturbance("store", "", "hanging", 1_020, 1_022),
        Disturbance("life", "1", "paused", 1_030, 1_031),
        Disturbance("invalidate", "pool-1-000", "0", 1_050, 1_055),
        Disturbance("store", "", "well", 1_300, 1_302, bit=14),
    ],
)


def test_each_thing_is_a_line_on_the_requests_clock() -> None:
    assert timeline(STORY) == (
        "-10--9 ms  provider pool-1-000: hang",
        "4-8 ms  call 1 of pool-1-000: ok",
        "20-22 ms  Redis: hanging",
        "30-31 ms  instance 1: paused",
        "50-55 ms  provider pool-1-000 invalidated at instance 0",
        "240- ms  call 1 of pool-1-001: in-flight",
        "300-302 ms  Redis: well, after 14 marks of what it was",
    )


def test_a_failure_tells_them_and_one_without_them_does_not() -> None:
    told = describe(Broken(Breach("it did not", 0), STORY), "gatespec verify", reproduced=0, replays=0)
    assert told.meanwhile == timeline(STORY)
    assert timeline(replace(STORY, calls=[], disturbances=[])) == ()


def test_a_body_is_part_of_the_shell_line() -> None:
    posted = replace(
        ASKED, method="POST", headers=(("Content-Type", "application/json"),), body='{"provider": "it\'s"}'
    )
    line = curl(Exchange(posted, Span(0, 1), 204))
    assert """--data-raw '{"provider": "it'"'"'s"}' "$GATEWAY_0"/api/v2/providers""" in line
