"""A door that is closed to the judge convicts nobody; one with nothing behind it is a broken claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.checkers.windows import judge_window
from gatespec.drivers.component import InProcessGateway
from gatespec.engine.preflight import absence
from gatespec.errors import GatespecError
from gatespec.ports import Exchange, Identity, Request, Span
from tests.engine.little_gateway import LittleGateway

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = {"GATEWAY_RATE_WINDOW_S": "1", "GATEWAY_RATE_FREE": "10"}


def gateway(status: int) -> InProcessGateway:
    class Answers(LittleGateway):
        """Says one thing to everybody at its second instance."""

        def request(self, instance: int, *asked: object) -> tuple[int, Mapping[str, str], bytes]:
            del asked
            return (status if instance else 200), {}, b"{}"

    return InProcessGateway(Answers, settings=SETTINGS, instances=2, redis_url=None)


def test_a_gateway_that_serves_lacks_nothing() -> None:
    assert absence(gateway(200)) is None


@pytest.mark.parametrize(
    ("provider", "path"), [(None, "/api/v2/providers"), ("lambda", "/api/v2/providers?provider=lambda")]
)
def test_a_lane_with_a_pool_is_asked_for_its_plain_provider_alone(provider: str | None, path: str) -> None:
    asked: list[str] = []

    class TakesDown(LittleGateway):
        """Writes down which paths it was asked for."""

        def request(self, instance: int, method: str, path: str, *more: object) -> tuple[int, Mapping[str, str], bytes]:
            del instance, method, more
            asked.append(path)
            return 200, {}, b"{}"

    assert absence(InProcessGateway(TakesDown, settings=SETTINGS, instances=2, redis_url=None), provider) is None
    assert asked == [path, path]


@pytest.mark.parametrize("status", [503, 504])
def test_a_gateway_that_is_not_there_yet_is_waited_for(status: int) -> None:
    said = iter((status, status, 200, 200))

    class Wakes(LittleGateway):
        """Has no offers at first."""

        def request(self, *asked: object) -> tuple[int, Mapping[str, str], bytes]:
            del asked
            return next(said), {}, b"{}"

    assert absence(InProcessGateway(Wakes, settings=SETTINGS, instances=2, redis_url=None)) is None
    assert next(said, None) is None


@pytest.mark.parametrize("status", [404, 501])
def test_a_claim_with_nothing_behind_it_is_told(status: int) -> None:
    assert f"on instance 1 is answered {status}" in (absence(gateway(status)) or "")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "credential-refused"), (403, "credential-refused"), (503, "target-not-serving")]
)
def test_a_closed_door_is_an_error_of_the_judgement(status: int, code: str) -> None:
    with pytest.raises(GatespecError) as told:
        absence(gateway(status))
    assert told.value.code == code


@pytest.mark.parametrize(("status", "faults"), [(500, 1), (502, 1), (503, 0), (504, 0), (404, 0), (200, 0)])
def test_a_server_fault_is_no_admission(status: int, faults: int) -> None:
    said = Exchange(Request(Identity("user", "a", "free")), Span(0, 0), status)
    assert len(judge_window([(0, said)], limit=3, window_ms=100).breaches) == faults
