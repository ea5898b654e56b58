"""The command as a person meets it; the loads are made up, what is printed is not."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

import pytest

from benchmarks import __main__ as command
from benchmarks import measure
from benchmarks.report import FILE
from gatespec.stack.lane import Stack

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.books import Books
    from benchmarks.contest import Round
    from benchmarks.measure import Measured


class Run(Protocol):
    def __call__(self, *words: str, books: Books) -> int: ...


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rounds: list[Round]) -> Run:
    """The command, with a load that gave these rounds and books."""

    def start(*words: str, books: Books) -> int:
        def serve(_plan: object, _target: object, _stack: object, measured: Measured, _watch: object) -> None:
            measured.rounds.extend(rounds)
            measured.books.append(books)

        monkeypatch.setattr(Stack, "start", lambda *_, **__: nullcontext(SimpleNamespace(services=())))
        monkeypatch.setattr(measure, "_serve", serve)
        monkeypatch.setattr(sys, "argv", ["benchmarks", "--out", str(tmp_path), "--only", "one", *words])
        return command.main()

    return start


def test_a_lost_log_line_prints_no_number_and_exits_3(
    run: Run, line_lost: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_text("an earlier run's")
    assert run(books=line_lost) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "error[benchmark-unequal]" in printed.err
    assert "status 200: the client counts 100, the log 99, /metrics 100" in printed.err
    assert not (tmp_path / FILE).exists()


def test_equal_books_print_the_ratios_and_what_they_rest_on(
    run: Run, agreed: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(books=agreed) == 0
    printed = capsys.readouterr().out
    assert "0.50 (0.50 to 0.50)" in printed
    assert "equated: 100 requests sent = log lines" in printed
    assert (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--rounds", "0"], "rounds-invalid"),
        (["--seconds", "0"], "seconds-invalid"),
        (["--seconds", "nan"], "seconds-invalid"),
        (["--only", "onee"], "part-unknown"),
        (["--out", "/dev/null/x"], "out-unwritable"),
        (["--roundz", "3"], "usage"),
    ],
)
def test_wrong_usage_is_one_error_and_exits_2(
    run: Run, agreed: Books, words: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, books=agreed) == 2
    assert capsys.readouterr().err.startswith(f"error[{code}]: ")
