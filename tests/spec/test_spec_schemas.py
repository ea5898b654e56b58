"""The JSON Schemas say what the judge writes and reads: no more, and no less."""

from __future__ import annotations

import io
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from gatespec import target_schema
from gatespec.history import Context, Example, HistoryWriter
from gatespec.ports import Exchange, Identity, Request, Span
from gatespec.read_ports import Disturbance, Sample, UpstreamCall
from gatespec.traceability import matrix
from gatespec.verdict import Failure, Judgement, Run, Service, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatespec.catalogue import Catalogue


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"{name}.json"}


def history() -> list[dict[str, Any]]:
    out = io.StringIO()
    writer = HistoryWriter(out, target="a gateway", started_at="2026-01-01T00:00:00+00:00")
    context = Context("P08", "wire", "http", 2, {"GATEWAY_RATE_FREE": "3"})
    writer.chapter(context)
    asked = Request(Identity("ip", "2001:db8::1", "free"), 1, headers=(("X-Plan", "pro"),))
    heard = Exchange(asked, Span(1, 4), 429, {"retry-after": "1"}, b"{}")
    lost = Exchange(asked, Span(5, 9), None)
    calls = [UpstreamCall("pool-1-000", 1, 2, 3, "ok"), UpstreamCall("pool-1-000", 2, 4, None, "in-flight")]
    probes = [UpstreamCall("pool-1-000", 0, 3, 3, "ok", 0, "probe")]
    done = [Disturbance("store", "", "hanging", 2, 3), Disturbance("store", "", "well", 4, 5, bit=14)]
    held = [Sample("rss_bytes", 0, 3, 2**27)]
    writer.example(Example(context, 0, [heard, lost], [("asks", {"who": 0})], calls, done, probes=probes, samples=held))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def report(catalogue: Catalogue) -> dict[str, Any]:
    failure = Failure("It holds.", "it did not", ("asks",), ("curl x",), ("200",), "gatespec verify", 5, 5)
    row = catalogue.properties["P08"]
    judged = Judgement(
        row.id, row.title, row.level, "wire", "http", Verdict.BROKEN, "it did not", row.statement, failure=failure
    )
    services = (Service("Redis API", "Valkey", "9.1.2", "on PATH"),)
    begun = "2026-01-01T00:00:00+00:00"
    run = Run("a gateway", "explore", 7, begun, 5, "gatespec verify", services, (judged,), matrix(catalogue, {"P07"}))
    document: dict[str, Any] = json.loads(json.dumps(run.as_json()))
    return document


def test_every_schema_is_one(root: Path) -> None:
    paths = sorted((root / "spec" / "schemas").glob("*.json"))
    assert len(paths) >= 7
    for path in paths:
        schema = json.loads(path.read_text(encoding="utf-8"))
        assert schema["$schema"] == target_schema.DIALECT, path.name
        Draft202012Validator.check_schema(schema)


def test_what_the_judge_records_is_a_history(faults_in: Callable[..., list[str]]) -> None:
    kinds = [record["record"] for record in history()]
    assert kinds == [
        "history",
        "chapter",
        "example",
        "request",
        "request",
        "disturbance",
        "disturbance",
        "call",
        "call",
        "call",
        "sample",
    ]
    assert [faults_in(ref("history"), record) for record in history()] == [[]] * len(kinds)


def test_a_history_keeps_no_field_that_the_schema_does_not_name(faults_in: Callable[..., list[str]]) -> None:
    for record in history()[1:]:
        assert faults_in(ref("history"), {**record, "more": 1})
        for name in record if record["record"] != "request" else ["record"]:
            assert faults_in(ref("history"), {k: v for k, v in record.items() if k != name}), name


def test_what_the_judge_reports_is_a_report(catalogue: Catalogue, faults_in: Callable[..., list[str]]) -> None:
    assert faults_in(ref("report"), report(catalogue)) == []


@pytest.mark.parametrize("part", ["", "judgements", "services", "requirements"])
def test_a_report_names_every_field(part: str, catalogue: Catalogue, faults_in: Callable[..., list[str]]) -> None:
    whole = report(catalogue)
    inner = whole[part][0] if part else whole
    for name in list(inner):
        taken = inner.pop(name)
        assert faults_in(ref("report"), whole), name
        inner[name] = taken
    inner["more"] = 1
    assert faults_in(ref("report"), whole)


def test_the_target_files_schema_is_in_step_with_the_model(root: Path) -> None:
    written = (root / "spec" / "schemas" / "target.json").read_text(encoding="utf-8")
    assert written == target_schema.render(), "run `python -m gatespec.target_schema`"


def test_the_reference_target_file_fits_its_schema(root: Path, faults_in: Callable[..., list[str]]) -> None:
    target = tomllib.loads((root / "reference_gateway" / "gateway.toml").read_text(encoding="utf-8"))
    assert faults_in(ref("target"), target) == []
    assert faults_in(ref("target"), {**target, "url": {"instances": ["http://127.0.0.1:1"]}}), "two doors"
    assert faults_in(ref("target"), {**target, "folder": "."})


PROBLEM = {
    "type": "urn:gatespec:error:not-found",
    "title": "There is nothing here",
    "status": 404,
    "detail": "nothing is served at /",
    "code": "not-found",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}


def test_a_problem_has_all_members_of_the_contract_and_may_have_more(faults_in: Callable[..., list[str]]) -> None:
    assert faults_in(ref("problem"), {**PROBLEM, "field": "x", "extension": [1]}) == []
    for name in PROBLEM:
        assert faults_in(ref("problem"), {k: v for k, v in PROBLEM.items() if k != name}), name


def test_a_warning_has_a_known_code(faults_in: Callable[..., list[str]]) -> None:
    warning = {"code": "stale", "provider": "lambda", "detail": "as of then", "as_of": "2026-01-01T00:00:00Z"}
    assert faults_in(ref("warning"), warning) == []
    assert faults_in(ref("warning"), {**warning, "as_of": None}) == []
    assert faults_in(ref("warning"), {**warning, "code": "late"})
    assert faults_in(ref("warning"), {**warning, "as_of": "yesterday"})
