"""What a door does not let the judge do is untestable, with the reason; invalidation as the contract has it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jwt
import pytest

from gatespec.catalogue import load_catalogue
from gatespec.checkers.findings import Findings
from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.court import open_court
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.story import StoryMachine, opens, told
from gatespec.ports import Untestable
from gatespec.stack.keys import AUDIENCE
from gatespec.stack.lane import Lane
from gatespec.target import load_target
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.read_ports import ReadGateway
    from gatespec.stack.lane import Stack
    from gatespec.target import Target
    from gatespec.verdict import Judgement

STAND_IN = Path(__file__).parents[1] / "stack" / "gateway.toml"


class Operated(BaseHTTPRequestHandler):
    """Takes down what it is posted; of a provider named `gone` it knows nothing."""

    protocol_version = "HTTP/1.1"
    posted: list[tuple[str, dict[str, str], dict[str, Any]]]

    def do_GET(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.posted.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.answer(404 if body["provider"] == "gone" else 202)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def posted() -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    return []


@pytest.fixture
def url(posted: list[tuple[str, dict[str, str], dict[str, Any]]]) -> Iterator[str]:
    handler = type("Handler", (Operated,), {"posted": posted})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def running(url: str, tmp_path: Path) -> Iterator[HttpReadGateway]:
    """A gateway that others started."""
    with Lane.start(load_target(url), settings={}, out=tmp_path) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        gateway.begin()
        yield gateway
        gateway.close()


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda gateway: gateway.fresh_providers(1), "its providers are not the judge's"),
        (lambda gateway: gateway.provider("lambda", latency_ms=1), "its providers are not the judge's"),
        (lambda gateway: gateway.calls(["lambda"]), "its providers are not the judge's"),
        (lambda gateway: gateway.store("refusing"), "its stores are not the judge's"),
        (lambda gateway: gateway.life(0, "killed"), "its processes are not the judge's"),
        (lambda gateway: gateway.invalidate("lambda", 0), "no service token of scope operate"),
    ],
)
def test_what_runs_already_is_not_the_judges_to_change(
    running: HttpReadGateway, act: Callable[[HttpReadGateway], object], why: str
) -> None:
    with pytest.raises(Untestable, match=why):
        act(running)
    assert running.disturbances == []


class ReadingMachine(StoryMachine):
    """Takes a provider, and needs nothing else to be untestable."""

    @opens()
    def arrives(self) -> None:
        cast("ReadGateway", self.gateway).fresh_providers(1)

    @told()
    def goes_on(self) -> None:
        """A machine has rules."""


READING = Chapter("P01", ReadingMachine, lambda _, __: Findings(), lambda _: Counter(), needs=Needs(1))


def judged(target: Target, out: Path) -> Judgement:
    with open_court(VerifyPlan(target, out, "gatespec verify", examples=1)) as court:
        return court.judge_one(load_catalogue().property("P01"), READING, "wire", "http")


def test_a_gateway_that_speaks_to_none_of_our_providers_is_untestable(tmp_path: Path) -> None:
    target = load_target(STAND_IN).model_copy(update={"adapters": ["vast"]})
    judgement = judged(target, tmp_path)
    assert judgement.verdict is Verdict.UNTESTABLE, judgement.reason
    assert "claims no adapter 'lambda'" in judgement.reason


def test_a_gateway_that_runs_already_is_untestable_and_not_to_blame(url: str, tmp_path: Path) -> None:
    judgement = judged(load_target(url), tmp_path)
    assert judgement.verdict is Verdict.UNTESTABLE, judgement.reason
    assert "its providers are not the judge's to change" in judgement.reason


@pytest.fixture
def quiet(stack: Stack) -> Iterator[HttpReadGateway]:
    """A lane with a pool, and nothing in front of its stores."""
    with stack.lane(load_target(STAND_IN), settings={}, needs=Needs(2, instances=2)) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        gateway.begin()
        yield gateway
        gateway.close()


def test_a_store_without_a_proxy_cannot_be_broken(quiet: HttpReadGateway) -> None:
    with pytest.raises(Untestable, match="Needs say nothing of store faults"):
        quiet.store("hanging")


@pytest.mark.parametrize("healed_by_the_story", [False, True])
def test_no_story_begins_before_every_instance_has_found_redis_again(
    stack: Stack, *, healed_by_the_story: bool
) -> None:
    """Each instance of this gateway looks for Redis once a second, whoever asks it anything."""
    target = load_target(STAND_IN)
    assert target.command
    looker = target.command.model_copy(update={"argv": ["{python}", str(Path(__file__).with_name("looker.py"))]})
    target = target.model_copy(update={"command": looker})
    with stack.lane(target, settings={}, needs=Needs(2, store_faults=True)) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        gateway.begin()
        gateway.store("refusing")
        if healed_by_the_story:
            gateway.store("well")
        gateway.begin()
        assert lane.lines
        heard_by = {*lane.lines.redis[0].line.evidence().talking}
        gateway.close()
        assert all(heard_by & instance.local_ports for instance in lane.instances)


def test_an_invalidation_is_asked_for_by_a_service_that_may(
    quiet: HttpReadGateway, url: str, posted: list[tuple[str, dict[str, str], dict[str, Any]]]
) -> None:
    quiet._urls[1] = url  # noqa: SLF001 - the stand-in takes no posts
    said = quiet.invalidate("pool-1-000", 1)
    ((path, headers, body),) = posted
    assert (path, body) == ("/internal/v1/cache/invalidate", {"provider": "pool-1-000"})
    assert headers["content-type"] == "application/json"
    claims = jwt.decode(
        headers["authorization"].removeprefix("Bearer "), options={"verify_signature": False}, audience=AUDIENCE
    )
    assert (claims["typ"], claims["scope"]) == ("service", "operate")
    assert said.status == 202
    (done,) = quiet.disturbances
    assert (done.what, done.whom, done.how) == ("invalidate", "pool-1-000", "1")
    assert (done.began_ms, done.done_ms) == (said.span.sent_ms, said.span.heard_ms)


def test_an_invalidation_that_was_refused_disturbed_nothing(quiet: HttpReadGateway, url: str) -> None:
    quiet._urls[0] = url  # noqa: SLF001 - as above
    assert quiet.invalidate("gone", 0).status == 404
    assert quiet.disturbances == []
