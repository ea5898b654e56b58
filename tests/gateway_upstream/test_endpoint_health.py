"""An endpoint's health, sentence by sentence of the contract's P09; the pause and the rate of section 8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_gateway.core.upstream.endpoints import Endpoint
from reference_gateway.core.upstream.pace import HOLD_MAX_MS, is_due
from reference_gateway.core.upstream.ports import Attempted, EndpointState, Refused, Rules
from tests.gateway_upstream.calls import BEGIN_MS, Provider, half_open, opened

if TYPE_CHECKING:
    from collections.abc import Callable

PROBED = Rules(retry_out_ms=0, endpoints=2)
UNPROBED = Rules(retry_out_ms=30_000, endpoints=2)


def endpoint(took_ms: list[int], *, failed: bool = False) -> Endpoint:
    found = Endpoint()
    for took in took_ms:
        found = found.attempted(took, BEGIN_MS, failed=failed)
    return found


def is_slow(took_ms: list[int]) -> bool:
    return endpoint(took_ms).state(PROBED, BEGIN_MS).is_slow


def test_it_is_slow_when_its_last_ten_attempts_averaged_more_than_two_seconds() -> None:
    assert is_slow([2_001] * 10)
    assert is_slow([1] * 9 + [19_992])
    assert not is_slow([2_000] * 10)
    assert not is_slow([20_000] + [1] * 10), "only the last ten count"


def test_fewer_than_ten_attempts_say_nothing_yet() -> None:
    assert not is_slow([60_000] * 9)
    assert endpoint([60_000] * 9).state(PROBED, BEGIN_MS).latency_ms == 60_000


def test_it_is_slow_until_the_average_is_below_again() -> None:
    assert is_slow([3_000] * 10 + [1] * 3)
    assert not is_slow([3_000] * 10 + [1] * 4)


def test_nothing_is_known_before_the_first_attempt() -> None:
    assert Endpoint().state(PROBED, BEGIN_MS) == EndpointState()


def attempts(provider: Provider, outcomes: str) -> None:
    """One attempt at the first endpoint for each letter: s or f."""
    for letter in outcomes:
        provider.call("success", Attempted(0, 10, failed=letter == "f"))


def outs(provider: Provider) -> list[bool]:
    return [each.is_out for each in provider.look().endpoints]


def test_three_failures_in_a_row_take_it_out_and_it_alone() -> None:
    provider = Provider(PROBED)
    attempts(provider, "ffsff")
    assert outs(provider) == [False, False]
    attempts(provider, "f")
    assert outs(provider) == [True, False]


def test_attempts_of_one_call_count_each_for_its_own_endpoint() -> None:
    provider = Provider(PROBED)
    for _ in range(3):
        provider.call("success", Attempted(0, 30, failed=True), Attempted(1, 10, failed=False))
    assert outs(provider) == [True, False]
    assert [each.latency_ms for each in provider.look().endpoints] == [30, 10]


def test_a_failed_probe_takes_it_out() -> None:
    provider = Provider(PROBED)
    provider.shared = provider.shared.probed(1, PROBED, provider.now_ms, well=False)
    assert outs(provider) == [False, True]


def test_it_is_out_until_a_probe_succeeds() -> None:
    provider = Provider(PROBED)
    attempts(provider, "fff")
    provider.waits(86_400_000)
    attempts(provider, "s")
    assert outs(provider) == [True, False], "neither time nor a call that went there all the same"
    provider.shared = provider.shared.probed(0, PROBED, provider.now_ms, well=True)
    assert outs(provider) == [False, False]
    attempts(provider, "ff")
    assert outs(provider) == [False, False], "the row of failures begins anew"


def test_without_probes_it_may_be_tried_after_a_while_and_one_failure_takes_it_out_again() -> None:
    provider = Provider(UNPROBED)
    attempts(provider, "fff")
    provider.waits(29_999)
    assert outs(provider) == [True, False]
    provider.waits(1)
    assert outs(provider) == [False, False]
    attempts(provider, "f")
    assert outs(provider) == [True, False]
    provider.waits(30_000)
    attempts(provider, "sff")
    assert outs(provider) == [False, False]


def test_the_age_of_its_last_probe_is_known() -> None:
    provider = Provider(PROBED)
    provider.shared = provider.shared.probed(0, PROBED, provider.now_ms, well=True)
    provider.waits(1_500)
    assert [each.checked_ago_ms for each in provider.look().endpoints] == [1_500, None]


def test_attempts_count_whatever_became_of_the_breaker() -> None:
    provider = Provider(PROBED)
    early = provider.begins()
    provider.calls("ffffffffff")
    provider.ends(early, "success", Attempted(1, 44, failed=False))
    assert provider.look().endpoints[1].latency_ms == 44


def test_a_provider_that_asks_for_a_pause_gets_it() -> None:
    provider = Provider()
    provider.ends(provider.begins(), "uncounted", retry_after_ms=7_000)
    assert provider.look().held_ms == 7_000
    assert provider.refusal() == Refused("held", 7_000)
    provider.waits(7_000)
    provider.begins()
    assert provider.look().held_ms == 0


def test_the_longer_of_two_pauses_holds() -> None:
    provider = Provider()
    first, second, third = provider.begins(), provider.begins(), provider.begins()
    provider.ends(first, "uncounted", retry_after_ms=7_000)
    provider.ends(second, "uncounted", retry_after_ms=2_000)
    provider.ends(third, "success")
    assert provider.refusal() == Refused("held", 7_000)


def test_no_pause_is_longer_than_a_day() -> None:
    provider = Provider()
    provider.ends(provider.begins(), "uncounted", retry_after_ms=10**12)
    assert provider.refusal() == Refused("held", HOLD_MAX_MS)


def test_a_pause_leaves_an_open_breaker_open_and_takes_no_trial() -> None:
    provider, first = half_open()
    provider.ends(first, "uncounted", retry_after_ms=60_000)
    provider.waits(40_000)
    assert provider.refusal() == Refused("held", 20_000)
    assert provider.state() == "open"
    provider.waits(20_000)
    assert [provider.begins().trial for _ in range(3)] == [1, 2, 3]


def test_calls_keep_the_rate_of_the_provider() -> None:
    provider = Provider(Rules(rate_per_s=2.5))
    provider.begins()
    assert provider.refusal() == Refused("paced", 400)
    provider.waits(399)
    assert provider.refusal() == Refused("paced", 1)
    provider.waits(1)
    provider.begins()


@pytest.mark.parametrize("rate_per_s", [0.5, 1.0, 3.0, 7.0, 333.0])
def test_no_second_holds_more_calls_than_the_rate(rate_per_s: float) -> None:
    provider, begun = Provider(Rules(rate_per_s=rate_per_s)), []
    for _ in range(5_000):
        if not isinstance(provider.admit(), Refused):
            begun.append(provider.now_ms)
        provider.waits(1)
    most = max(sum(at <= other < at + 1_000 for other in begun) for at in begun)
    assert most <= max(1, rate_per_s)
    assert len(begun) >= 5_000 // (1_000 / rate_per_s + 1)


def test_a_clock_that_steps_back_stops_no_calls_for_as_long() -> None:
    provider = Provider(Rules(rate_per_s=1))
    provider.begins()
    provider.waits(-3_600_000)
    provider.begins()
    assert provider.refusal() == Refused("paced", 1_000)


def test_a_refused_call_takes_no_turn_of_the_rate() -> None:
    provider = opened()
    provider.rules = Rules(rate_per_s=0.01)
    provider.waits(29_999)
    assert provider.refusal().why == "open"
    provider.waits(1)
    assert provider.begins().trial == 1


def test_a_call_that_must_wait_for_the_rate_takes_no_trial() -> None:
    provider, _ = half_open()
    provider.rules = Rules(rate_per_s=1)
    assert provider.begins().trial == 2
    assert provider.refusal() == Refused("paced", 1_000)
    provider.waits(1_000)
    assert provider.begins().trial == 3


def test_a_turn_comes_once_in_its_time() -> None:
    assert is_due(None, 30_000, BEGIN_MS)
    assert not is_due(BEGIN_MS, 30_000, BEGIN_MS)
    assert not is_due(BEGIN_MS, 30_000, BEGIN_MS + 29_999)
    assert is_due(BEGIN_MS, 30_000, BEGIN_MS + 30_000)
    assert is_due(BEGIN_MS, 30_000, BEGIN_MS - 1), "the clock stepped back"


@pytest.mark.parametrize("story", [Provider, opened, lambda: half_open()[0]])
def test_the_same_is_said_by_another_clock(story: Callable[[], Provider]) -> None:
    provider = story()
    provider.rules = Rules(rate_per_s=0.1, endpoints=2)
    provider.shared = provider.shared.probed(0, provider.rules, provider.now_ms, well=False)
    provider.shared, _ = provider.shared.admit("p", provider.rules, provider.now_ms)
    there_ms = provider.now_ms - 1_000_000
    moved = provider.shared.shifted(-1_000_000)
    assert moved.look(provider.rules, there_ms) == provider.look()
    assert moved.admit("p", provider.rules, there_ms)[1] == provider.admit()
