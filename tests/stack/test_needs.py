"""A lane that a chapter of the read path asks for: a pool of its own, and stores behind a proxy of its own."""

from __future__ import annotations

import json
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
import redis

from gatespec.engine.chapter import Needs
from gatespec.providers.control_client import ProvidersControl
from gatespec.proxy.faults import Fault
from gatespec.stack import born, ports
from gatespec.stack.lane import Stack
from gatespec.target import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.lane import Lane

TARGET = load_target(Path(__file__).parent / "gateway.toml")
BREAKABLE = Needs(providers=3, store_faults=True)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATESPEC_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        with Stack.start(tmp_path_factory.mktemp("out"), purpose="tests") as stack:
            yield stack


def told(lane: Lane) -> dict[str, Any]:
    """The environment of its first instance."""
    with urllib.request.urlopen(f"{lane.urls[0]}/told", timeout=10) as answer:  # noqa: S310 - a server of our own
        return dict(json.load(answer)["env"])


def declared(lane: Lane) -> dict[str, str]:
    """Each provider of its file and where it is."""
    file = tomllib.loads(Path(told(lane)["GATEWAY_PROVIDERS_FILE"]).read_text(encoding="utf-8"))
    assert {row["adapter"] for row in file["provider"]} == {"lambda"}
    return {row["name"]: row["endpoint"][0]["url"] for row in file["provider"]}


def test_each_lane_has_providers_that_no_other_has_or_had(stack: Stack) -> None:
    with (
        stack.lane(TARGET, settings={}, needs=Needs(3)) as first,
        stack.lane(TARGET, settings={}, needs=Needs(2)) as other,
    ):
        assert first.pool
        assert other.pool
        lent = [declared(first), declared(other)]
        assert [list(each) for each in lent] == [["lambda", *first.pool.names], ["lambda", *other.pool.names]]
        assert {*first.pool.names}.isdisjoint(other.pool.names)
        assert [s.why for s in other.services if s.role == "Providers"] == ["simulated: lambda, and 5 in pools"]
    with stack.lane(TARGET, settings={}, needs=Needs(2)) as third:
        assert third.pool
        assert {*third.pool.names}.isdisjoint([*lent[0], *lent[1]])
        for url in declared(third).values():
            asked = urllib.request.Request(  # noqa: S310 - a server of our own
                f"{url}/api/v1/images", headers={"Authorization": "Bearer development-key-not-a-secret"}
            )
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - as above
                assert answer.status == 200


def test_a_lane_that_asks_for_none_has_none(stack: Stack) -> None:
    with stack.lane(TARGET, settings={}) as lane:
        assert (lane.pool, lane.lines, lane.plain_provider) == (None, None, None)
        assert list(declared(lane)) == ["lambda"]


def test_simulators_that_were_killed_come_back_with_their_pools(stack: Stack) -> None:
    with stack.lane(TARGET, settings={}, needs=Needs(2)) as lane:
        assert lane.pool
        stack.simulators.kill()
        stack.simulators.start()
        stack.simulators.ready()
        control = ProvidersControl(stack.simulators.url)
        assert all(control.prices(name).cents for name in lane.pool.names)


def test_the_gateway_goes_through_the_proxy_and_the_judge_goes_straight(stack: Stack) -> None:
    with stack.lane(TARGET, settings={}, needs=BREAKABLE) as lane:
        given, lines = told(lane), lane.lines
        assert lines
        assert lines.redis[0].line.address in given["GATEWAY_REDIS_URL"]
        assert lines.postgres.line.address in given["GATEWAY_DATABASE_URL"]
        with redis.Redis.from_url(given["GATEWAY_REDIS_URL"]) as far, redis.Redis.from_url(str(lane.redis_url)) as near:
            far.set("through", "the proxy")
            assert near.get("through") == b"the proxy"
            lines.redis[0].line.impose(Fault("cut"))
            with pytest.raises(redis.ConnectionError):
                far.ping()
            assert near.ping()
        with psycopg.connect(given["GATEWAY_DATABASE_URL"]) as far_database:
            far_database.execute("create table through_the_proxy ()")
        with psycopg.connect(str(lane.postgres_url)) as near_database:
            near_database.execute("select * from through_the_proxy")
        assert "Fault proxy" in [service.role for service in lane.services]
        assert any(name.startswith("proxy-") and log.is_file() for name, log in lane.logs.items())


def test_what_fails_on_one_lane_fails_on_no_other(stack: Stack) -> None:
    with (
        stack.lane(TARGET, settings={}, needs=BREAKABLE) as broken,
        stack.lane(TARGET, settings={}, needs=BREAKABLE) as other,
        stack.lane(TARGET, settings={}) as quiet,
    ):
        assert broken.lines
        broken.lines.redis[0].line.impose(Fault("cut"))
        for lane in (other, quiet):
            with redis.Redis.from_url(told(lane)["GATEWAY_REDIS_URL"]) as client:
                assert client.ping()


def test_it_leaves_neither_process_nor_port(stack: Stack) -> None:
    before = set(born.marked(stack.nursery.id))
    with stack.lane(TARGET, settings={}, needs=BREAKABLE) as lane:
        assert lane.lines
        addresses = (lane.lines.redis[0].line.address, lane.lines.postgres.line.address, lane.lines.proxy.address)
        taken = [int(address.rpartition(":")[2]) for address in addresses]
        process = psutil.Process(lane.lines.proxy.pid)
        lane.lines.redis[0].line.impose(Fault("cut"))
        assert all(map(ports.is_taken, taken))
    assert not born.is_alive(process)
    assert not any(map(ports.is_taken, taken))
    assert set(born.marked(stack.nursery.id)) <= before
