"""`gatespec doctor --target`: every mistake of a target file and around it, each with its key and what to do."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatespec.diagnosis import diagnose, worst_of
from gatespec.errors import Exit
from gatespec.suites import suites_root
from gatespec.target import load_target

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """
name = "mine"
adapters = ["lambda"]
python_path = ["."]

[command]
argv = ["./gateway"]
prepare = [["{python}", "-m", "migrate"]]

[users]
create = ["./gateway", "users", "{plan}", "{count}"]
create_service = ["./gateway", "service", "{service_id}", "{scope}"]
"""
URL = 'name = "mine"\n[url]\ninstances = ["http://127.0.0.1:PORT"]\n'


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    program = tmp_path / "gateway"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def found(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    return [str(error) for error in diagnose(load_target(file))]


@pytest.mark.usefixtures("gateway")
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert found(tmp_path, RIGHT) == []


def test_the_reference_gateways_file_is_right() -> None:
    assert list(diagnose(load_target(suites_root() / "reference_gateway/gateway.toml"))) == []


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize(
    ("right", "wrong", "code", "says"),
    [
        ('["lambda"]', '["lamda"]', "adapter-unknown", "did you mean lambda?"),
        ('["lambda"]', "[]", "adapters-none", "nothing of the read path"),
        ('"./gateway"]\nprepare', '"./gatway"]\nprepare', "program-missing", "command.argv: there is no file"),
        ('"./gateway"]\nprepare', '"no-such-program"]\nprepare', "program-missing", "on PATH"),
        ('["{python}", "-m"', '["./migrate", "-m"', "program-missing", "command.prepare.0"),
        ("[command]", '[command]\ncwd = "gone"', "path-missing", "command.cwd"),
        ('python_path = ["."]', 'python_path = ["gone"]', "path-missing", "python_path"),
        ('python_path = ["."]', 'component_driver = "gone:Driver"', "component-driver", "cannot be loaded"),
        ('python_path = ["."]', 'known_failures = "gone.toml"', "known-failures", "No such file"),
        ('"{plan}", "{count}"', '"pro", "{count}"', "placeholder-missing", "users.create: {plan}"),
        ('"{service_id}", ', "", "placeholder-missing", "users.create_service: {service_id}"),
        ("[users]", '[settings]\nGATEWAY_LISTN = "X"\n[users]', "setting-unknown", "GATEWAY_LISTEN"),
        (
            "[users]",
            '[command.container]\nimage = "x:1"\ndockerfile = "Dockerfile"\n[users]',
            "path-missing",
            "command.container.dockerfile",
        ),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, right: str, wrong: str, code: str, says: str) -> None:
    assert right in RIGHT
    (only,) = found(tmp_path, RIGHT.replace(right, wrong, 1))
    assert f"error[{code}]" in only
    assert says in only
    assert "hint" in only


def test_a_program_that_may_not_be_run_is_named_with_the_remedy(tmp_path: Path, gateway: Path) -> None:
    gateway.chmod(0o644)
    assert all("chmod +x" in said for said in found(tmp_path, RIGHT))


@pytest.mark.usefixtures("gateway")
def test_all_mistakes_are_told_and_not_the_first_alone(tmp_path: Path) -> None:
    told = found(tmp_path, RIGHT.replace('"lambda"', '"lamda"').replace('"{plan}", ', "").replace("-m", "-m"))
    assert [said.partition(":")[0] for said in told] == ["error[adapter-unknown]", "error[placeholder-missing]"]


def test_a_gateway_that_does_not_run_is_the_worlds_fault(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    file = tmp_path / "gateway.toml"
    file.write_text(URL.replace("PORT", str(port)))
    errors = list(diagnose(load_target(file)))
    assert [error.code for error in errors] == ["target-unreachable", "nobody-to-ask-as"]
    assert worst_of(errors) == Exit.COULD_NOT_JUDGE


def test_a_credential_that_is_not_there_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    credential = '[[url.credentials]]\nkind = "user"\nplan = "pro"\nvalue_env = "MY_TOKEN"\n'
    told = found(tmp_path, URL.replace("PORT", "9") + credential)
    assert any("credential-missing" in said and "$MY_TOKEN" in said for said in told)


def test_a_token_command_without_its_user_is_told(tmp_path: Path) -> None:
    told = found(tmp_path, URL.replace("PORT", "9") + 'token_command = ["{python}", "token.py"]\n')
    assert any("url.token_command: {sub} does not stand in it" in said for said in told)
