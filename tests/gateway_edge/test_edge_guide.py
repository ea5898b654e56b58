"""What the guide for client teams shows works as it says, against a running gateway."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway_edge.edge_wire import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_edge.edge_wire import Instance, Upstream

GUIDE = (Path(ROOT) / "docs" / "guides" / "read-offers.md").read_text(encoding="utf-8")
BASE = "http://127.0.0.1:8000"
LINES = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
MANY = 45

pytestmark = pytest.mark.usefixtures("upstream")


def test_there_are_lines() -> None:
    assert len(LINES) == 9
    assert sum("# 422" in line for line in LINES) == 2


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_the_guide_is_answered_as_it_says(gateway: Instance, line: str) -> None:
    (target,) = [word for word in shlex.split(line, comments=True) if word.startswith(BASE)]
    said = re.search(r"# ([0-9]{3}): ?", line)
    reply = gateway.ask(target.removeprefix(BASE))
    assert reply.status == (int(said[1]) if said else 200), reply.body
    if field := re.search(r"`field` is (\w+)", line):
        assert reply.json["field"] == field[1]


def test_the_loop_of_the_guide_finds_every_offer(start: Callable[..., Instance], upstream: Upstream) -> None:
    (shown,) = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(shown, "read-offers.md", "exec"), names)  # noqa: S102 - it is our own page
    upstream.says(count=MANY)
    instance = start(GATEWAY_RATE_FREE="100000")
    found = names["offers"](f"http://127.0.0.1:{instance.port}", provider="lambda", limit="7")
    assert len({offer["id"] for offer in found}) == len(found) == MANY


@pytest.mark.parametrize("name", ["gpu", "per_page", "min_gpu_count", "cursor", "compliance_tag"])
def test_every_parameter_of_the_table_is_one(gateway: Instance, name: str) -> None:
    assert f"`{name}`" in GUIDE
    assert name in gateway.offers("?unknown=1").json["detail"]
