from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gatespec.errors import unable, usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.pretended_engine import Engine, Result


def test_an_error_of_ours_is_printed_in_its_form_with_its_exit_code(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    engine.raises = unable("target-dead", "it \x1b[31mdied", tried="3 times", hint="look at the log")
    result = gatespec("verify", "--out", str(tmp_path))
    assert result.code == 3
    assert result.err == "error[target-dead]: it \\x1b[31mdied\n  tried  3 times\n  hint   look at the log\n"


def test_a_usage_error_out_of_the_engine_is_exit_code_2(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    engine.raises = usage("known-failures", "row 3")
    assert gatespec("verify", "--out", str(tmp_path)).code == 2


@pytest.mark.parametrize("where", ["before", "after", "nowhere"])
def test_the_unexpected_is_an_internal_error_and_shows_its_traceback_only_when_asked(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path, where: str
) -> None:
    engine.raises = KeyError("offer")
    words = ["verify", "--out", str(tmp_path)]
    words = {"before": ["--debug", *words], "after": [*words, "--debug"], "nowhere": words}[where]
    result = gatespec(*words)
    assert result.code == 3
    assert "error[internal]: KeyError: 'offer'\n  hint   this is a fault of gatespec: report it" in result.err
    assert ("Traceback" in result.err) == (where != "nowhere")


def test_a_package_that_is_not_installed_is_no_fault_of_ours(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    engine.raises = ModuleNotFoundError("No module named 'hypothesis'", name="hypothesis")
    result = gatespec("verify", "--out", str(tmp_path))
    assert result.code == 3
    assert result.err.startswith("error[package-missing]: No module named 'hypothesis'\n  hint   install")


def test_ctrl_c_ends_quietly(gatespec: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    engine.raises = KeyboardInterrupt()
    result = gatespec("verify", "--out", str(tmp_path))
    assert (result.code, result.err) == (130, "interrupted\n")


def test_a_broken_pipe_inside_never_reads_as_a_broken_property(
    gatespec: Callable[..., Result], engine: Engine, tmp_path: Path
) -> None:
    engine.raises = BrokenPipeError(32, "Broken pipe", "somewhere")
    result = gatespec("verify", "--out", str(tmp_path))
    assert result.code == 3
    assert result.err.startswith("error[output-closed]")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_leaves_gets_no_traceback_and_no_verdict(unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "gatespec", "list"],
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )
    assert done.returncode == 3
    assert done.stderr.startswith("error[output-closed]: ")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_terminal_that_knows_only_ascii_still_gets_its_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gatespec", "explain", "Füllstand"],
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(r"error[property-unknown]: there is no property 'F\xfcllstand'")


@pytest.mark.parametrize("words", [["bogus"], ["--bogus"], ["explain"]])
def test_words_nobody_knows_are_a_usage_error(gatespec: Callable[..., Result], words: list[str]) -> None:
    result = gatespec(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error[usage]: ")
    assert "--help` shows what it understands" in result.err


def test_without_words_the_help_is_shown(gatespec: Callable[..., Result]) -> None:
    result = gatespec()
    assert result.code == 2
    for command in ("list", "explain", "doctor", "up", "down", "verify", "judge"):
        assert f"\n  {command} " in result.out


def test_the_version_is_said(gatespec: Callable[..., Result]) -> None:
    result = gatespec("--version")
    assert result.code == 0
    assert result.out.split()[0] == "gatespec"
    assert result.out.split()[1][0].isdigit()
