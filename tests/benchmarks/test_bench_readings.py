from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.books import Account
from benchmarks.contest import PATH
from benchmarks.load import read_account
from benchmarks.readings import metered, read_log
from benchmarks.sample import outcome_of
from gatespec.errors import GatespecError

if TYPE_CHECKING:
    from pathlib import Path

METRICS = f"""\
# TYPE gateway_requests_total counter
gateway_requests_total{{method="GET",route="{PATH}",status="200"}} 7.0
gateway_requests_total{{method="HEAD",route="{PATH}",status="200"}} 1.0
gateway_requests_total{{method="GET",route="{PATH}",status="304"}} 2.0
gateway_requests_total{{method="GET",route="/metrics",status="200"}} 50.0
# TYPE gateway_cache_lookups_total counter
gateway_cache_lookups_total{{outcome="hit",tier="answer"}} 9.0
gateway_cache_lookups_total{{outcome="miss",tier="l1"}} 4.0
# TYPE gateway_limiter_decisions_total counter
gateway_limiter_decisions_total{{outcome="admitted",plan="enterprise"}} 8.0
gateway_limiter_decisions_total{{outcome="admitted",plan="free"}} 2.0
# TYPE gateway_provider_calls_total counter
gateway_provider_calls_total{{outcome="ok",provider="lambda"}} 1.0
gateway_provider_calls_total{{outcome="timeout",provider="lambda"}} 2.0
"""
REQUEST = {"level": "info", "message": "request", "route": PATH, "status": 200, "cache": "hit"}
ACCOUNT = {"requests": 3, "seconds": 1.5, "p50_ms": 1.0, "p99_ms": 2.0}


def line(**more: object) -> str:
    return json.dumps({**REQUEST, **more}) + "\n"


def test_counters_of_the_measured_route_are_read() -> None:
    found = metered(METRICS)
    assert found.statuses == {200: 8, 304: 2}
    assert found.lookups == {"hit": 9}
    assert found.decisions == {"admitted": 10}
    assert found.calls == 3


def test_the_log_is_counted_from_the_mark_on(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    before = line(status=500)
    log.write_text(before + line() + line(status=304) + line(cache=None) + line(route="/metrics"))
    account, complaints = read_log(log, len(before))
    assert account == Account({200: 2, 304: 1}, {"hit": 2, "none": 1})
    assert complaints == ()


def test_a_line_that_is_still_being_written_waits(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(line() + line()[:-20])
    assert read_log(log, 0) == (Account({200: 1}, {"hit": 1}), ())


@pytest.mark.parametrize("said", [line(level="warning"), line(level="error"), "Traceback\n", "[]\n", "{}\n"])
def test_whatever_complains_is_kept(tmp_path: Path, said: str) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(line() + said)
    assert read_log(log, 0) == (Account({200: 1}, {"hit": 1}), (said.rstrip("\n"),))


def test_an_account_keeps_what_was_seen(tmp_path: Path) -> None:
    said = {**ACCOUNT, "statuses": {"0": 0, "200": 3}, "caches": {"hit": 2, "miss": 1, "none": 0}}
    (tmp_path / "account.json").write_text(json.dumps(said))
    load = read_account(tmp_path / "account.json")
    assert (load.statuses, load.caches) == ({200: 3}, {"hit": 2, "miss": 1})


@pytest.mark.parametrize(
    "said",
    [
        {**ACCOUNT, "statuses": {"200": 2}, "caches": {"hit": 3}},
        {**ACCOUNT, "statuses": {"200": 3}, "caches": {"hit": 2}},
        {**ACCOUNT, "statuses": {"200": 3}},
        [],
    ],
    ids=["a status that nobody counts", "an answer without outcome", "half an account", "no account"],
)
def test_a_client_that_contradicts_itself_is_not_believed(tmp_path: Path, said: object) -> None:
    (tmp_path / "account.json").write_text(json.dumps(said))
    with pytest.raises(GatespecError) as caught:
        read_account(tmp_path / "account.json")
    assert caught.value.code == "k6-account"


@pytest.mark.parametrize(
    ("field", "outcome"),
    [
        ("l2; hit; ttl=59", "hit"),
        ("l1; fwd=miss; stored, l2; hit; ttl=3", "hit"),
        ("l1; hit; ttl=41, l2; fwd=miss; stored", "miss"),
        ("l2; hit; ttl=-2", "stale"),
        ("", "none"),
        ("l2", "none"),
    ],
)
def test_the_member_nearest_the_client_says_how_the_cache_answered(field: str, outcome: str) -> None:
    assert outcome_of(field) == outcome
