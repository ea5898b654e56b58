"""A lane starts any gateway, gives it what the contract says and nothing else, and ends it."""

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

from gatespec.clock import until
from gatespec.errors import Exit, GatespecError
from gatespec.ports import Untestable
from gatespec.stack import born, ports
from gatespec.stack.lane import Lane, Stack
from gatespec.target import Target, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SOON_MS = 20_000


def stand_in(**command: object) -> Target:
    """The stand-in's target file, with changes to its door."""
    target = load_target(HERE / "gateway.toml")
    assert target.command
    return target.model_copy(update={"command": target.command.model_copy(update=command)})


def told(url: str) -> dict[str, Any]:
    """What an instance was told: its arguments and its environment."""
    with urllib.request.urlopen(f"{url}/told", timeout=10) as answer:  # noqa: S310 - a server of our own
        return dict(json.load(answer))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATESPEC_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        with Stack.start(tmp_path_factory.mktemp("out"), purpose="tests") as stack:
            yield stack


@pytest.fixture(scope="module")
def lane(stack: Stack) -> Iterator[Lane]:
    with stack.lane(stand_in(), settings={"GATEWAY_RATE_WINDOW_S": "0.3"}) as lane:
        yield lane


def test_every_instance_is_told_the_contracts_settings_under_its_own_names(lane: Lane) -> None:
    environments = [told(url)["env"] for url in lane.urls]
    assert [env["MY_LISTEN"] for env in environments] == [url.removeprefix("http://") for url in lane.urls]
    assert len({env["MY_LISTEN"] for env in environments}) == 2
    for env in environments:
        assert "GATEWAY_LISTEN" not in env
        assert env["GATEWAY_RATE_WINDOW_S"] == "0.3"
        assert env["GATEWAY_REDIS_URL"] == lane.redis_url
        assert env["GATEWAY_DATABASE_URL"] == lane.postgres_url
        assert env["GATEWAY_TRUSTED_PROXIES"] == "127.0.0.0/8"
        assert lane.signing
        assert env["GATEWAY_JWT_PUBLIC_KEY_FILE"] == str(lane.signing.public_key_file)


def test_nothing_else_of_the_judges_environment_leaks(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/the/judges/own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the judge's own")
    with stack.lane(stand_in(instances=1), settings={}) as lane:
        told_names = told(lane.urls[0])["env"].keys()
    assert {"PYTHONPATH", "AWS_SECRET_ACCESS_KEY"}.isdisjoint(told_names)
    assert {"PATH", "HOME"} <= told_names


def test_only_placeholders_are_filled_in(lane: Lane) -> None:
    assert told(lane.urls[0])["argv"][1:] == ['{"as": "it is"}']


def test_the_stores_are_real_and_empty_and_each_lanes_own(stack: Stack, lane: Lane) -> None:
    with stack.lane(stand_in(instances=1), settings={}) as other:
        assert {lane.redis_url, lane.postgres_url}.isdisjoint({other.redis_url, other.postgres_url})
        for each in (lane, other):
            with redis.Redis.from_url(str(each.redis_url)) as client:
                assert client.dbsize() == 0
                client.set("mine", 1)
            with psycopg.connect(str(each.postgres_url)) as connection:
                connection.execute("create table mine ()")
    with stack.lane(stand_in(instances=1), settings={}) as third, redis.Redis.from_url(str(third.redis_url)) as client:
        assert third.redis_url == other.redis_url
        assert client.dbsize() == 0


def test_the_settings_in_effect_are_defaults_and_overrides_without_passwords(lane: Lane) -> None:
    assert lane.settings["GATEWAY_RATE_WINDOW_S"] == "0.3"
    assert lane.settings["GATEWAY_RATE_PRO"] == "100"
    assert "GATEWAY_REDIS_URL" not in lane.settings
    assert not [value for value in lane.settings.values() if "@" in value]


def test_the_providers_file_names_simulators_that_answer(lane: Lane) -> None:
    file = Path(told(lane.urls[0])["env"]["GATEWAY_PROVIDERS_FILE"])
    (provider,) = tomllib.loads(file.read_text(encoding="utf-8"))["provider"]
    assert (provider["name"], provider["adapter"]) == ("lambda", "lambda")
    assert provider["endpoint"] == [{"url": f"{lane.simulators_url}/lambda", "weight": 1}]
    with urllib.request.urlopen(f"{lane.simulators_url}/_control/ready", timeout=10) as answer:  # noqa: S310 - a server of our own
        assert answer.status == 200


def test_keys_are_readable_by_their_owner_alone(lane: Lane) -> None:
    assert lane.signing
    for file in (lane.signing.private_key_file, lane.signing.public_key_file):
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_report_learns_every_server_and_no_password(lane: Lane) -> None:
    roles = [service.role for service in lane.services]
    assert roles == ["Redis API", "Providers", "Vault API", "PostgreSQL", "Gateway", "Gateway"]
    assert all(service.why for service in lane.services)
    assert "redis://" not in repr(lane.services)
    assert all(log.is_file() for log in lane.logs.values())


def test_users_come_from_the_gateway_and_their_keys_touch_no_log(lane: Lane) -> None:
    users = lane.create_users("pro", 3)
    assert [(user["plan"], user["api_key"]) for user in users] == [("pro", f"key-{n}") for n in range(3)]
    logs = next(iter(lane.logs.values())).parent
    assert not [log for log in logs.iterdir() if "key-0" in log.read_text(encoding="utf-8")]


def test_a_gateway_without_a_way_to_make_users_is_untestable_there(stack: Stack) -> None:
    target = stand_in(instances=1).model_copy(update={"users": None})
    with stack.lane(target, settings={}) as lane, pytest.raises(Untestable):
        lane.create_users("pro", 1)


def test_a_gateway_that_dies_at_start_is_told_with_the_end_of_its_log(stack: Stack) -> None:
    with pytest.raises(GatespecError) as dead:
        stack.lane(stand_in(env={"STAND_IN": "dies"}), settings={})
    assert (dead.value.code, dead.value.exit_code) == ("service-not-started", Exit.COULD_NOT_JUDGE)
    assert "died with exit code 1 before it was ready" in dead.value.message
    assert "there is no floor under me" in dead.value.tried


def test_a_gateway_that_never_becomes_ready_is_ended(stack: Stack) -> None:
    before = born.marked(stack.nursery.id)
    target = stand_in(argv=["{python}", "-c", "import signal; signal.pause()"], ready_s=0.5)
    with pytest.raises(GatespecError, match=r"was not ready within 0\.5 s"):
        stack.lane(target, settings={})
    assert set(born.marked(stack.nursery.id)) <= set(before)


def test_a_failing_preparation_is_told_with_the_end_of_its_log(stack: Stack) -> None:
    target = stand_in(prepare=[["{python}", "-c", "import sys; sys.exit('relation exists already')"]])
    with pytest.raises(GatespecError) as failed:
        stack.lane(target, settings={})
    assert failed.value.code == "command-failed"
    assert "relation exists already" in failed.value.tried


def test_a_gateway_that_dies_meanwhile_is_noticed(stack: Stack) -> None:
    with stack.lane(stand_in(), settings={}) as lane:
        lane.alive()
        lane.instances[1].kill()
        with pytest.raises(GatespecError) as dead:
            lane.alive()
    assert dead.value.code == "target-dead"
    assert dead.value.message.endswith("-2 died by SIGKILL")


def test_a_stopped_lane_leaves_its_stack_and_nothing_of_its_own(stack: Stack) -> None:
    with stack.lane(stand_in(), settings={}) as lane:
        processes = [psutil.Process(instance.pid) for instance in lane.instances]
        taken = [instance.port for instance in lane.instances]
        assert all(map(ports.is_taken, taken))
    assert not any(map(born.is_alive, processes))
    assert not any(map(ports.is_taken, taken))
    stack.redis.ready()


@pytest.mark.usefixtures("state_folder")
def test_a_lane_with_a_stack_of_its_own_leaves_nothing(tmp_path: Path, state_folder: Path) -> None:
    said: list[str] = []
    with Lane.start(stand_in(), settings={}, out=tmp_path, instances=1, progress=said.append) as lane:
        stack = lane.stack
        assert stack
        run = stack.nursery.id
        assert len(lane.urls) == 1
        assert len(born.marked(run)) >= 4
    assert until(lambda: not born.marked(run), at_most_ms=SOON_MS)
    assert not stack.nursery.folder.exists()
    assert list(state_folder.iterdir()) == []
    assert said == [
        "starting redis",
        "starting providers",
        "starting vault",
        "starting postgres",
        "preparing stand-in",
        "starting 1 x stand-in",
    ]


def test_a_running_gateway_is_reached_and_nothing_is_started(lane: Lane, tmp_path: Path) -> None:
    running = load_target(lane.urls[0])
    with Lane.start(running, settings={}, out=tmp_path) as reached:
        assert reached.urls == lane.urls[:1]
        assert (reached.redis_url, reached.signing, reached.instances) == (None, None, ())
        reached.alive()
    told(lane.urls[0])
    assert list(tmp_path.iterdir()) == []


def test_nothing_where_a_gateway_should_run_is_told_with_what_was_tried(tmp_path: Path) -> None:
    nowhere = load_target(f"http://127.0.0.1:{ports.free_port()}")
    with pytest.raises(GatespecError) as unreachable:
        Lane.start(nowhere, settings={}, out=tmp_path)
    assert (unreachable.value.code, unreachable.value.exit_code) == ("target-unreachable", Exit.COULD_NOT_JUDGE)
    assert "GET /health/ready" in unreachable.value.tried
    assert "refused" in unreachable.value.tried
