"""Serial prices: a price names the call that it came from, whatever became of the calls before it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.errors import GatespecError
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.script import Fault, Script
from tests.providers.simulated_wire import PROBE, everything, parsed

if TYPE_CHECKING:
    from tests.providers.simulated_wire import Heard, Provider

BASE = 100


def cents(heard: Heard) -> int:
    (item,) = json.loads(heard.body)["data"].values()
    return int(item["instance_type"]["price_cents_per_hour"])


def serials(control: ProvidersControl, *names: str) -> list[tuple[str, int, str]]:
    return [(call.provider, call.serial, call.outcome) for call in control.ledger(names, "list")]


@pytest.fixture
def serial(control: ProvidersControl, provider: Provider) -> Provider:
    control.script(provider.name, Script(serial_cents=BASE))
    return provider


def test_each_list_call_has_a_price_of_its_own(serial: Provider) -> None:
    assert [cents(serial.get()) for _ in range(3)] == [BASE + 1, BASE + 2, BASE + 3]


def test_the_one_machine_is_for_rent_in_one_region(serial: Provider) -> None:
    (item,) = json.loads(serial.get().body)["data"].values()
    assert len(item["regions_with_capacity_available"]) == 1
    assert item["instance_type"]["name"] == "gpu_1x_h100_pcie"


def test_failed_calls_count_and_others_do_not(control: ProvidersControl, serial: Provider) -> None:
    control.script(serial.name, Script(faults=[Fault(kind="status"), Fault(kind="reset")]))
    assert serial.get().status == 500
    with serial.connect() as held:
        serial.send(held)
        with pytest.raises(ConnectionResetError):
            everything(held)
    assert serial.get(authorization=None).status == 401
    serial.get(PROBE)
    assert cents(serial.get()) == BASE + 4
    told = [(serial.name, n, outcome) for n, outcome in enumerate(("status", "reset", "refused", "ok"), 1)]
    assert serials(control, serial.name) == told
    assert [call.serial for call in control.ledger(serial.name, "probe")] == [0]


def test_a_serial_is_fixed_on_arrival_however_long_the_answer_is_held_back(
    control: ProvidersControl, serial: Provider
) -> None:
    control.script(serial.name, Script(latency_ms=400))
    late: list[Heard] = []
    with serial.connect() as held:
        serial.send(held)
        reader = threading.Thread(target=lambda: late.append(parsed(everything(held))))
        reader.start()
        while not serials(control, serial.name):
            pass
        control.script(serial.name, Script(latency_ms=0))
        assert cents(serial.get()) == BASE + 2
        reader.join()
    assert cents(late[0]) == BASE + 1


def test_no_script_makes_the_next_call_the_first_again(control: ProvidersControl, serial: Provider) -> None:
    serial.get()
    control.forget_script(serial.name)
    assert len(json.loads(serial.get().body)["data"]) > 1
    control.script(serial.name, Script(serial_cents=BASE))
    assert cents(serial.get()) == BASE + 3


def test_the_ledger_tells_of_several_providers_and_only_what_came_after(
    control: ProvidersControl, provider: Provider
) -> None:
    names = [f"enlisted-{n}" for n in range(3)]
    control.enlist(names)
    others = [type(provider)(provider.base_url, name) for name in names]
    for other in others:
        other.get()
    after = control.script(names, Script(serial_cents=BASE))
    for other in others:
        assert cents(other.get()) == BASE + 2
    told = control.ledger(names[:2], after=after)
    assert [(call.provider, call.serial) for call in told] == [(names[0], 2), (names[1], 2)]


def test_a_provider_that_is_known_already_stays_as_it_is(control: ProvidersControl, serial: Provider) -> None:
    serial.get()
    control.enlist([serial.name])
    assert cents(serial.get()) == BASE + 2


@pytest.mark.parametrize("names", [[], ["UPPER"], ["*"]])
def test_what_is_no_name_is_not_enlisted(control: ProvidersControl, names: list[Any]) -> None:
    with pytest.raises((GatespecError, ValueError), match="providers"):
        control.enlist(names)


def test_a_kept_connection_is_opened_again_when_it_was_closed(base_url: str, provider: Provider) -> None:
    with ProvidersControl(base_url) as control:
        control.prices(provider.name)
        assert control._kept  # noqa: SLF001 - the connection under test
        control._kept.sock.shutdown(2)  # noqa: SLF001 - cut off as a server would
        assert control.prices(provider.name) == control.prices(provider.name)
