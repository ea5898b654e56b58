"""`make k8s-check` says what is missing and how to get it, and never calls silence a yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.errors import GatespecError
from gatespec.stack.nursery import Nursery
from k8s.check import __main__ as check
from k8s.check import build, rendered
from k8s.check.cluster import Answer, Etcd
from k8s.check.planted import MISTAKES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine with nothing installed and an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return monkeypatch


@pytest.mark.usefixtures("bare")
def test_without_go_it_says_where_a_server_may_be_put(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "gatespec" / f"kube-apiserver-{build.version()}" / "kube-apiserver"
    with pytest.raises(GatespecError, match="go-missing") as raised:
        build.built()
    assert str(place) in raised.value.hint
    place.touch()
    assert build.built() == place


@pytest.mark.usefixtures("bare")
def test_without_etcd_it_says_what_to_install(tmp_path: Path) -> None:
    with Nursery("tests", tmp_path / "logs") as nursery, pytest.raises(GatespecError, match="etcd-server"):
        Etcd(nursery, "etcd").start()


def test_without_kubectl_it_says_which_group_brings_it(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setattr(rendered, "KUBECTL", tmp_path / "kubectl")
    with pytest.raises(GatespecError, match="make setup"):
        rendered.kubectl()


def findings(monkeypatch: pytest.MonkeyPatch, path: Path, answer: Answer) -> list[str]:
    monkeypatch.setattr(check, "ask", lambda *_, **__: answer)
    monkeypatch.setattr(check, "_prepare", lambda *_: None)
    return list(check._findings(path))  # noqa: SLF001 - what it finds is what is tested


def test_a_server_that_takes_everything_was_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = findings(monkeypatch, tmp_path, Answer(taken=True, said=""))
    assert len(found) == len(MISTAKES)
    assert all("was not found" in one for one in found)


def test_a_refusal_for_another_reason_is_no_finding_of_the_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = findings(monkeypatch, tmp_path, Answer(taken=False, said="x created (server dry run)\nthe server is busy"))
    assert len(found) == len(MISTAKES) + len(rendered.OVERLAYS)
    assert found[0] == "production is not taken as it is:\nthe server is busy"
