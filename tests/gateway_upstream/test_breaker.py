"""The breaker, sentence by sentence of the contract's P04 and P05."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reference_gateway.core.upstream.ports import Admission, Outcome, Refused, Rules
from tests.gateway_upstream.calls import BEGIN_MS, RULES, Provider, half_open, opened


def test_it_opens_when_at_least_half_of_the_last_ten_calls_failed() -> None:
    assert Provider().calls("fffffsssss") == "open"
    assert Provider().calls("ffffssssss") == "closed"


def test_it_needs_ten_calls() -> None:
    provider = Provider()
    assert provider.calls("fffffffff") == "closed"
    assert provider.calls("s") == "open"


def test_only_the_last_ten_count() -> None:
    provider = Provider()
    assert provider.calls("ffffssssss" + "ssss" + "ffff") == "closed"
    assert (provider.look().calls, provider.look().failures) == (10, 4)
    assert provider.calls("f") == "open"


@pytest.mark.parametrize(("outcomes", "state"), [("ffs", "closed"), ("fff", "open"), ("sfff", "open")])
def test_window_and_rate_are_the_settings(outcomes: str, state: str) -> None:
    assert Provider(Rules(window=3, failure_rate=0.7)).calls(outcomes) == state


def test_a_rate_that_no_binary_fraction_holds_is_met_exactly() -> None:
    assert Provider(Rules(failure_rate=0.3)).calls("fffsssssss") == "open"


def test_uncounted_calls_never_enter_the_window() -> None:
    provider = Provider()
    assert provider.calls("ffff" + "u" * 20 + "sssss") == "closed"
    assert (provider.look().calls, provider.look().failures) == (9, 4)


def test_it_is_half_open_after_thirty_seconds_at_the_next_call() -> None:
    provider = opened()
    provider.waits(29_999)
    assert provider.refusal() == Refused("open", 1)
    provider.waits(1)
    assert provider.state() == "open"
    assert provider.begins().trial == 1
    assert provider.state() == "half-open"


def test_it_admits_three_trials() -> None:
    provider, first = half_open()
    assert [first.trial, provider.begins().trial, provider.begins().trial] == [1, 2, 3]
    provider.waits(1_000)
    assert provider.refusal() == Refused("trials", 4_000)


def test_a_trial_that_ended_well_makes_no_room_for_a_fourth() -> None:
    provider, first = half_open()
    provider.begins(), provider.begins()
    assert provider.ends(first, "success") == "half-open"
    assert provider.refusal().why == "trials"


def test_three_successes_close_it_with_an_empty_window() -> None:
    provider, first = half_open()
    second, third = provider.begins(), provider.begins()
    assert [provider.ends(trial, "success") for trial in (third, first)] == ["half-open", "half-open"]
    assert provider.ends(second, "success") == "closed"
    assert (provider.look().calls, provider.look().failures) == (0, 0)
    assert provider.calls("fffffffff") == "closed"


def test_one_trial_that_succeeds_twice_counts_once() -> None:
    provider, first = half_open()
    provider.begins(), provider.begins()
    assert [provider.ends(first, "success") for _ in range(3)] == ["half-open"] * 3


@pytest.mark.parametrize("outcome", ["failure", "uncounted"])
def test_one_trial_without_success_opens_it_for_a_fresh_thirty_seconds(outcome: Outcome) -> None:
    provider, first = half_open()
    second = provider.begins()
    provider.ends(second, "success")
    provider.waits(700)
    assert provider.ends(first, outcome) == "open"
    assert provider.refusal() == Refused("open", 30_000)


def test_a_trial_without_a_result_failed_after_five_seconds() -> None:
    provider, _ = half_open()
    provider.waits(4_999)
    assert provider.state() == "half-open"
    provider.waits(1)
    assert provider.state() == "open"
    assert provider.refusal() == Refused("open", 30_000)


def test_the_result_of_a_lost_trial_comes_too_late() -> None:
    provider, first = half_open()
    provider.begins(), provider.begins()
    provider.waits(5_000)
    assert provider.ends(first, "success") == "open"


def test_a_trial_lost_long_ago_opened_it_then_and_the_next_call_is_a_trial_again() -> None:
    provider, first = half_open()
    provider.waits(5_000 + 29_999)
    assert provider.refusal() == Refused("open", 1)
    provider.waits(1)
    again = provider.begins()
    assert (again.trial, again.period > first.period) == (1, True)


def test_of_two_lost_trials_the_earlier_opened_it() -> None:
    provider, _ = half_open()
    provider.waits(1_000)
    provider.begins()
    provider.waits(10_000)
    assert provider.refusal() == Refused("open", 30_000 - 6_000)


def test_a_result_counts_only_in_the_period_in_which_its_call_was_admitted() -> None:
    provider = Provider()
    early = [provider.begins() for _ in range(3)]
    provider.calls("ffffffffff")
    provider.waits(30_000)
    trials = [provider.begins() for _ in range(3)]
    assert provider.ends(early[0], "failure") == "half-open", "a call of the closed period is no trial"
    for trial in trials:
        provider.ends(trial, "success")
    assert provider.ends(early[1], "failure") == "closed"
    assert provider.ends(trials[0], "failure") == "closed"
    assert provider.look().calls == 0


def test_a_trial_of_the_half_open_state_before_is_none_of_this_one() -> None:
    provider, first = half_open()
    late = provider.begins()
    provider.ends(first, "failure")
    provider.waits(30_000)
    provider.begins()
    assert provider.ends(late, "failure") == "half-open"


def test_calls_in_flight_when_it_opened_change_nothing() -> None:
    provider = Provider()
    early = provider.begins()
    provider.calls("ffffffffff")
    provider.waits(500)
    assert provider.ends(early, "success") == "open"
    assert provider.refusal() == Refused("open", 29_500)


def test_a_second_attempt_begins_only_in_the_closed_period_of_its_call() -> None:
    provider = Provider()
    early = provider.begins()
    assert provider.shared.still_closed(early, RULES, provider.now_ms)
    provider.calls("ffffffffff")
    assert not provider.shared.still_closed(early, RULES, provider.now_ms)
    provider.waits(30_000)
    trials = [provider.begins() for _ in range(3)]
    assert not provider.shared.still_closed(trials[0], RULES, provider.now_ms)
    for trial in trials:
        provider.ends(trial, "success")
    assert not provider.shared.still_closed(early, RULES, provider.now_ms)
    assert provider.shared.still_closed(provider.begins(), RULES, provider.now_ms)


def test_periods_rise_over_the_loss_of_all_that_was_known() -> None:
    before = opened()
    before.waits(30_000)
    trial = before.begins()
    after = Provider(now_ms=before.now_ms + 1)
    assert after.begins().period > trial.period


def test_a_clock_that_steps_back_keeps_it_open_no_longer_than_thirty_seconds() -> None:
    provider = opened()
    provider.waits(-3_600_000)
    assert provider.refusal() == Refused("open", 30_000)
    provider.waits(30_000)
    for _ in range(3):
        provider.begins()
    provider.waits(-3_600_000)
    assert provider.refusal() == Refused("trials", 5_000)


def test_fewer_trials_than_were_given_do_not_bar_it_for_ever() -> None:
    provider, first = half_open()
    provider.ends(first, "success")
    provider.rules = replace(RULES, trials=1)
    assert provider.call("success") == "closed"


def test_a_refusal_changes_nothing_and_looking_neither() -> None:
    provider = opened()
    before = provider.shared
    provider.waits(1_000)
    provider.refusal(), provider.look()
    assert provider.shared == before


def test_an_admission_tells_what_is_known() -> None:
    provider = Provider(Rules(endpoints=2))
    provider.call("failure")
    admission = provider.begins()
    assert isinstance(admission, Admission)
    assert (admission.provider, admission.trial, admission.period) == ("p", 0, BEGIN_MS)
    assert admission.known == provider.look()
    assert (len(admission.known.endpoints), admission.known.calls, admission.known.failures) == (2, 1, 1)


def test_what_somebody_remembers_counts_only_where_nothing_is_known() -> None:
    provider = Provider()
    provider.shared = provider.shared.reminded(10_000, provider.now_ms)
    assert provider.refusal() == Refused("open", 20_000)
    known = Provider()
    known.call("success")
    assert known.shared.reminded(10_000, known.now_ms) == known.shared
