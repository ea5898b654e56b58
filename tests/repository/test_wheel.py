"""The wheel alone, in an empty environment and from an empty folder, judges a running gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.identities import Signer
from gatespec.stack.lane import Lane
from gatespec.target import load_target
from tests.repository.checkout import ROOT, files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UV_S = 300
"""Seconds with a warm cache; on a fresh machine every package is fetched first."""
JUDGE_S = 120
PEOPLE = 4
"""Tokens lent to the judge: a story of P08 meets two people, and a twin for each refusal."""
SETTINGS = {"GATEWAY_RATE_WINDOW_S": "0.3", "GATEWAY_REDIS_BUDGET_S": "1"}
"""Redis must not look away on a starved machine: each instance then rightly goes by windows of its own."""


@dataclass(frozen=True)
class Judge:
    """The installed command, called from an empty folder without a word of this checkout."""

    python: Path
    folder: Path

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        program = self.python.with_name("gatespec")
        return self.run(program, *words, env=env)

    def run(self, *argv: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        told = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.run(
            argv,
            cwd=self.folder,
            env={**told, **(env or {})},
            capture_output=True,
            text=True,
            timeout=JUDGE_S,
            check=False,
        )


def find_uv() -> str:
    """The uv that runs these tests (`uv run` names itself in $UV), else that of `make setup`, else PATH's."""
    local = ROOT / ".tools" / "uv" / "bin" / "uv"
    found = os.environ.get("UV") or (str(local) if local.is_file() else shutil.which("uv"))
    assert found, f"there is no uv: run `make setup`, which puts one at {local}, or name one with UV=/path/to/uv"
    return found


def uv(*words: str | Path) -> str:
    env = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}}
    done = subprocess.run(
        [find_uv(), *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=UV_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, which so proves to hold all that the wheel needs."""
    out = tmp_path_factory.mktemp("built")
    uv("build", "--quiet", "--out-dir", out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def judge(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """An environment with the wheel and what it depends on, in the versions of the lock file."""
    folder = tmp_path_factory.mktemp("installed")
    pins, environment, empty = folder / "pins.txt", folder / "venv", folder / "empty"
    chosen = ("--no-default-groups", "--no-emit-project", "--no-hashes")
    uv("export", "--quiet", "--frozen", *chosen, "--output-file", pins)
    uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, "--constraint", pins, wheel)
    empty.mkdir()
    return Judge(python, empty)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """The reference gateway, started from the checkout: the judge is only told where it is."""
    target = load_target(ROOT / "reference_gateway" / "gateway.toml")
    with Lane.start(target, settings=SETTINGS, out=tmp_path_factory.mktemp("lane")) as lane:
        yield lane


@pytest.fixture
def tokens(running: Lane) -> dict[str, str]:
    """Environment variables that hold ready-made credentials, as a team would set them."""
    key = running.signing
    assert key is not None
    signer = Signer(key.private_key_file, key.issuer, key.audience)
    return {f"TOKEN_{n}": f"Bearer {signer.token('user', f'somebody-{n}', 'free')}" for n in range(PEOPLE)}


@pytest.fixture
def target_file(running: Lane, tokens: dict[str, str], tmp_path: Path) -> Path:
    """What the owner of that gateway writes."""
    lines = ['name = "already running"', "[url]", f"instances = {json.dumps(running.urls)}", "[url.settings]"]
    lines += [f'{name} = "{value}"' for name, value in SETTINGS.items()]
    for name in tokens:
        lines += ["[[url.credentials]]", 'kind = "user"', 'plan = "free"', f'value_env = "{name}"']
    path = tmp_path / "gateway.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_wheel_holds_suites_and_specification_and_nothing_of_the_judged(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    suites = [path for room in ("spec", "properties") for path in files(ROOT / room)]
    assert {f"gatespec/_suites/{path.relative_to(ROOT)}" for path in suites} <= names
    about = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"
    assert {name.split("/")[0] for name in names} == {"gatespec", about}
    assert f"{about}/licenses/LICENSE" in names
    assert "gatespec/providers/data/README.md" in names  # the licence of the data asks for its attribution


def test_the_installed_judge_reads_its_own_suites(judge: Judge) -> None:
    script = "import gatespec, gatespec.suites as s, sys; print(s.suites_root()); print(*sys.path, sep='\\n')"
    suites, *paths = judge.run(judge.python, "-c", script).stdout.splitlines()
    assert Path(suites).parts[-2:] == ("gatespec", "_suites")
    assert not [path for path in (suites, *paths) if Path(path).is_relative_to(ROOT)]


def test_it_lists_and_explains(judge: Judge) -> None:
    listed, explained = judge("list"), judge("explain", "P08")
    assert (listed.returncode, explained.returncode) == (0, 0)
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [f"P{n:02d}" for n in range(1, 31)]
    assert "Admissions are counted over the trailing window" in explained.stdout
    assert "Fixed buckets let twice the limit through" in explained.stdout  # said by the chapter alone


def test_it_judges_a_running_gateway_that_a_target_file_describes(
    judge: Judge, target_file: Path, tokens: dict[str, str]
) -> None:
    asked = ("--target", str(target_file), "--tier", "wire", "--only", "P08", "--examples", "5")
    done = judge("verify", *asked, env=tokens)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((judge.folder / "out" / "report.json").read_text(encoding="utf-8"))
    said = [(each["verdict"], each["property_id"], each["tier"]) for each in report["judgements"]]
    assert said == [("holds", "P08", "wire"), ("holds", "CONTRACT", "wire")]
    again = judge("judge", "out/history.jsonl")
    assert (again.returncode, again.stdout.count("holds")) == (0, done.stdout.count("holds")), again.stdout


def test_of_a_bare_address_it_says_what_it_would_need(judge: Judge, running: Lane) -> None:
    done = judge("verify", "--target", running.urls[0], "--tier", "wire", "--only", "P03")
    assert done.returncode == 3
    assert "the target file gives no credential of kind user with plan free" in done.stdout


def test_without_a_target_it_asks_for_one(judge: Judge) -> None:
    done = judge("verify")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[target-unnamed]")
