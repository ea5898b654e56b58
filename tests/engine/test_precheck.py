"""What cannot be is told before anything starts, by the name of what is wrong."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from gatespec.engine.chapter import load_chapters
from gatespec.engine.known import load_known_failures
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.precheck import check_plan
from gatespec.errors import Exit, GatespecError
from gatespec.target import Target
from tests.engine.little_gateway import LittleGateway
from tests.mutants.court import TARGET, judge

URL = {"instances": ["http://127.0.0.1:1"]}


def told(**written: Any) -> GatespecError:  # noqa: ANN401 - as in a file
    target = Target.model_validate({"name": "a gateway", "url": URL, **written})
    with pytest.raises(GatespecError) as error:
        check_plan(VerifyPlan(target, Path(), ""), [])
    assert error.value.exit_code is Exit.USAGE
    return error.value


def test_a_right_target_passes() -> None:
    settings = {"GATEWAY_RATE_FREE": "3", "GATEWAY_RATE_WINDOW_S": "0.3", "GATEWAY_LISTEN": "here"}
    written = {"name": "a", "adapters": ["lambda"], "settings": {"GATEWAY_LISTEN": "BIND"}}
    target = Target.model_validate({**written, "url": {**URL, "settings": settings}})
    check_plan(VerifyPlan(target, Path(), ""), [])


@pytest.mark.parametrize(
    ("written", "code", "names"),
    [
        (
            {"url": {**URL, "settings": {"GATEWAY_RATE_FREE": "many"}}},
            "setting-invalid",
            "url.settings.GATEWAY_RATE_FREE",
        ),
        ({"url": {**URL, "settings": {"GATEWAY_RATE_FREE": "2.5"}}}, "setting-invalid", "GATEWAY_RATE_FREE"),
        ({"url": {**URL, "settings": {"GATEWAY_RATE_WINDOW_S": "NaN"}}}, "setting-invalid", "GATEWAY_RATE_WINDOW_S"),
        ({"url": {**URL, "settings": {"GATEWAY_BOGUS": "1"}}}, "setting-unknown", "url.settings.GATEWAY_BOGUS"),
        ({"settings": {"GATEWAY_BOGUS": "X"}}, "setting-unknown", "settings.GATEWAY_BOGUS"),
        ({"adapters": ["nope"]}, "adapter-unknown", "'nope'"),
    ],
)
def test_a_wrong_target_is_told(written: dict[str, Any], code: str, names: str) -> None:
    error = told(**written)
    assert (error.code, names in error.message) == (code, True)


@pytest.mark.parametrize(
    "story",
    [
        "",
        "{}",
        '{"a":1}',
        "null",
        "[]",
        '[["frob",{}]]',
        '[["asks",{}]]',
        '[["asks",{"who":0}]]',
        '[["judge",{}]]',
        "[[1]]",
    ],
)
def test_what_is_no_story_is_told_before_anything_starts(story: str) -> None:
    plan = VerifyPlan(TARGET, Path(), "", replay=story or " ")
    with pytest.raises(GatespecError) as error:
        check_plan(plan, [load_chapters()["P08"]])
    assert error.value.exit_code is Exit.USAGE
    assert "--replay" in error.value.message


def test_a_story_with_words_that_nobody_knows_is_told() -> None:
    words = signature(load_chapters()["P08"].machine.asks).parameters  # type: ignore[attr-defined]  # a step of P08's
    story = json.dumps([["asks", {word: "plenty" for word in words if word != "self"}]])
    with pytest.raises(GatespecError, match="cannot be told") as error:
        judge(LittleGateway, "P08", replay=story)
    assert error.value.exit_code is Exit.USAGE


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, "No such file"),
        ("known =", "not TOML"),
        ('[[known]]\nproperty = "P8"\ntier = "wire"\nreason = "x"\n', "property"),
        ('[[known]]\nproperty = "P08"\ntier = "wires"\nreason = "x"\n', "tier"),
        ('[[known]]\nproperty = "P08"\ntier = "wire"\n', "reason"),
    ],
)
def test_a_wrong_list_of_known_failures_is_told_in_one_line(tmp_path: Path, text: str | None, names: str) -> None:
    if text is not None:
        (tmp_path / "known.toml").write_text(text)
    with pytest.raises(GatespecError) as error:
        load_known_failures(TARGET.model_copy(update={"folder": tmp_path, "known_failures": "known.toml"}))
    assert names in error.value.message
    assert "\n" not in error.value.message
