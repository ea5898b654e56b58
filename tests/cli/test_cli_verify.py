from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gatespec.cli.verify import lanes_for
from gatespec.verdict import Verdict
from tests.cli.pretended_engine import judgement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.pretended_engine import Engine, Result

V = Verdict


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([V.HOLDS], 0),
        ([V.HOLDS, V.UNTESTABLE, V.NOT_CLAIMED], 0),
        ([V.HOLDS, V.BROKEN], 1),
        ([V.BROKEN, V.HARNESS_ERROR, V.NOT_RUN, V.INCONCLUSIVE], 1),
        ([V.HOLDS, V.INCONCLUSIVE], 3),
        ([V.HOLDS, V.HARNESS_ERROR], 3),
        ([V.HOLDS, V.NOT_RUN], 3),
        ([V.UNTESTABLE], 3),
        ([V.NOT_CLAIMED], 3),
        ([], 3),
    ],
)
def test_the_exit_code_is_that_of_the_worst_verdict(
    gatespec: Callable[..., Result], engine: Engine, history: Path, verdicts: list[Verdict], code: int
) -> None:
    engine.finds = [judgement(verdict, f"P{number:02}") for number, verdict in enumerate(verdicts, 1)]
    for words in (["verify", "--out", str(history.parent)], ["judge", str(history)]):
        result = gatespec(*words)
        assert (result.code, result.err) == (code, "")
        for verdict in verdicts:
            assert f"  {verdict}" in result.out


def test_each_judgement_is_told_once_and_the_reports_lie_where_it_says(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    engine.finds = [judgement(V.HOLDS, "P03"), judgement(V.BROKEN), judgement(V.INCONCLUSIVE, "P07")]
    out = tmp_path / "out"
    told = gatespec("verify", "--out", str(out)).out
    for once in (
        "P03  wire",
        "P08  wire",
        "this is why: inconclusive",
        "Admissions are counted",
        "6 admissions",
        "--replay",
    ):
        assert told.count(once) == 1, once
    assert told.splitlines()[-2] == "verdict  broken: The target breaks P08. 3 properties judged, 1 holds."
    for path in told.splitlines()[-1].split()[1:]:
        assert (out / path).is_file()
    assert json.loads((out / "report.json").read_text())["verdict"] == "broken"


def test_the_replay_line_is_never_broken_up(gatespec: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    engine.finds = [judgement(V.BROKEN)]
    lines = gatespec("verify", "--out", str(tmp_path)).out.splitlines()
    line = next(line for line in lines if line.startswith("    replay  "))
    assert json.loads(shlex.split(line)[-1])[0][0] == "asks"


def test_options_reach_the_plan(gatespec: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    story = '[["asks", {"count": 5}]]'
    out = str(tmp_path / "o")
    line = ["--only", "8", "--tier", "real-time", "--examples", "9", "--seed", "7", "--out", out]
    line += ["--target", "http://127.0.0.1:9", "--replay", story]
    assert gatespec("verify", *line).code == 0
    (plan,) = engine.plans
    assert (plan.only, plan.tiers, plan.examples, plan.seed) == (("P08",), ("real-time",), 9, 7)
    assert (str(plan.out), plan.profile, plan.replay, plan.instances) == (out, "explore", story, None)
    assert (plan.target.name, plan.target_named) == ("http://127.0.0.1:9", "http://127.0.0.1:9")


def test_without_options_the_reference_is_judged_in_process_and_on_the_wire(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert gatespec("verify").code == 0
    (plan,) = engine.plans
    assert (plan.only, plan.tiers, plan.profile, str(plan.out)) == ((), ("component", "wire"), "conformance", "out")
    assert (plan.target.name, plan.target_named, plan.seed) == ("reference gateway", "", None)
    assert plan.command == "uv run gatespec verify"


def test_all_is_every_tier(gatespec: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    gatespec("verify", "--tier", "all", "--instances", "3", "--out", str(tmp_path))
    assert engine.plans[0].tiers == ("component", "wire", "real-time")
    assert engine.plans[0].instances == 3


def test_a_claim_a_binding_and_lanes_reach_the_plan_and_its_command(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    gatespec("verify", "--claim", "core", "--binding", "cluster", "--side-by-side", "3", "--out", str(tmp_path))
    (plan,) = engine.plans
    assert (plan.claim, plan.binding, plan.side_by_side) == ("core", "cluster", 3)
    assert plan.command.endswith("--claim core --binding cluster --side-by-side 3")


def test_lanes_at_a_time_follow_the_cores() -> None:
    assert [lanes_for(cores) for cores in (1, 2, 8, 64)] == [3, 4, 10, 16]


def test_the_command_in_the_report_repeats_the_run(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    out = str(tmp_path / "with space")
    gatespec("verify", "--only", "P08,P03", "--profile", "explore", "--out", out)
    first = engine.plans[0]
    assert first.seed is not None
    words = shlex.split(first.command)
    assert words[:4] == ["uv", "run", "gatespec", "verify"]
    gatespec(*words[3:])
    assert engine.plans[1] == first


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--only", "P98"], "property-unknown", "there is no property 'P98'"),
        (["--only", ""], "property-unknown", "there is no property ''"),
        (["--only", "P03,P14"], "property-provisional", "P14"),
        (["--tier", "wires"], "tier-unknown", "'wires'"),
        (["--examples", "0"], "examples-invalid", "--examples 0"),
        (["--examples", "many"], "usage", "--examples"),
        (["--seed", "-1"], "seed-invalid", "--seed -1"),
        (["--instances", "17"], "instances-invalid", "--instances 17"),
        (["--instances", "2", "--target", "http://127.0.0.1:9"], "instances-fixed", "http://127.0.0.1:9"),
        (["--profile", "nightly"], "profile-unknown", "'nightly'"),
        (["--claim", "cores"], "claim-unknown", "core or realtime or pipeline or marketplace or agents or internal"),
        (["--binding", "kafka"], "binding-unknown", "pure or redis or http or cluster"),
        (["--side-by-side", "0"], "side-by-side-invalid", "1 to 16"),
        (["--side-by-side", "17"], "side-by-side-invalid", "1 to 16"),
        (["--target", "/no/such.toml"], "target-unreadable", "/no/such.toml"),
        (["--out", "/dev/null/out"], "out-unwritable", "/dev/null/out"),
        (["--target", ""], "target-unreadable", "empty"),
        (["--target", "http://[::1"], "target-invalid", "no address"),
        (["--target", "http://127.0.0.1:99999"], "target-invalid", "no address"),
        (["--target", "http://127.0.0.1:many"], "target-invalid", "no address"),
        (["--target", "https://gw.example/v1"], "target-invalid", "no path"),
        (["--target", "http://me:secret@gw.example"], "target-invalid", "no user and password"),
        (["--out", ""], "out-unwritable", "--out is empty"),
        (["--out", "/proc"], "out-unwritable", "/proc"),
        (["--replay", "[", "--only", "P08", "--tier", "wire"], "replay-malformed", "not JSON"),
        (["--replay", "[]"], "replay-ambiguous", "one property"),
        (["--replay", "[]", "--only", "P08"], "replay-ambiguous", "one tier"),
        (["--replay", "[]", "--tier", "wire"], "replay-ambiguous", "one property"),
        (["--bogus"], "usage", "--bogus"),
        (["extra"], "usage", "extra"),
    ],
)
def test_what_cannot_be_asked_is_one_usage_error(
    gatespec: Callable[..., Result], engine: Engine, words: list[str], code: str, says: str
) -> None:
    result = gatespec("verify", *words)
    assert (result.code, result.out) == (2, "")
    first, *rest = result.err.splitlines()
    assert first.startswith(f"error[{code}]: ")
    assert says in result.err
    assert all(line.startswith(("  tried  ", "  hint   ")) for line in rest)
    assert "secret" not in result.err
    assert engine.plans == []


def test_an_error_of_a_property_stands_in_its_form_beside_the_verdict(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    told = "error[target-unreachable]: nothing answers\n  tried  GET, 3 times\n  hint   start it"
    engine.finds = [replace(judgement(V.HARNESS_ERROR), reason=told)]
    result = gatespec("verify", "--out", str(tmp_path))
    assert (result.code, result.err) == (3, told + "\n")
    assert "harness error  error[target-unreachable]: nothing answers; 300" in result.out


def test_a_run_that_is_cut_short_leaves_no_earlier_verdict(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    assert gatespec("verify", "--out", str(tmp_path)).code == 0
    assert (tmp_path / "report.json").is_file()
    engine.raises = KeyboardInterrupt()
    assert gatespec("verify", "--out", str(tmp_path)).code == 130
    assert list(tmp_path.iterdir()) == []


def test_outside_a_checkout_the_target_must_be_named(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatespec.cli.verify.suites_root", lambda: tmp_path)
    result = gatespec("verify")
    assert result.code == 2
    assert result.err.startswith("error[target-unnamed]: no target is named")
    assert engine.plans == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("not json", "3 error[history-malformed]: "),
        ('{"record":"history","version":6}', "3 error[history-empty]: "),
        ("\udcff\udcfe", "3 error[history-malformed]: "),
        (None, "2 error[history-unreadable]: "),
    ],
)
def test_what_is_no_history_is_one_error(
    gatespec: Callable[..., Result], tmp_path: Path, text: str | None, error: str
) -> None:
    path = tmp_path / "h.jsonl"
    if text is not None:
        path.write_bytes((text + "\n").encode(errors="surrogateescape"))
    result = gatespec("judge", str(path))
    assert result.out == ""
    assert f"{result.code} {result.err}".startswith(error)
    assert str(path) in result.err
