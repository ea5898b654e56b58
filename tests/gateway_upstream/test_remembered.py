"""What one instance goes by alone, and what of it counts for all afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reference_gateway.core.upstream.ports import Admission, Attempted, Refused, Rules
from reference_gateway.core.upstream.remembered import OF_NO_PERIOD, Remembered, as_theirs
from tests.gateway_upstream.calls import BEGIN_MS, RULES, Provider, half_open, opened

HERE_MS = 5_000
"""Now, by the instance's own clock; by that of all it is the provider's."""


def told(provider: Provider) -> Remembered:
    return Remembered.told(provider.shared, provider.now_ms, HERE_MS)


def begins(known: Remembered, now_ms: int = HERE_MS) -> tuple[Remembered, Admission]:
    known, admission = known.admit("p", RULES, now_ms)
    assert isinstance(admission, Admission), admission
    return known, admission


def test_an_open_breaker_stays_open_for_the_rest_of_its_time() -> None:
    provider = opened()
    provider.waits(20_000)
    known = told(provider)
    assert known.open_for_ms(RULES, HERE_MS) == 20_000
    assert known.admit("p", RULES, HERE_MS)[1] == Refused("open", 10_000)
    assert known.open_for_ms(RULES, HERE_MS + 10_000) is None
    assert begins(known, HERE_MS + 10_000)[1].trial == 1


def test_one_that_is_not_open_is_not_said_to_be() -> None:
    assert told(half_open()[0]).open_for_ms(RULES, HERE_MS) is None
    assert Remembered().open_for_ms(RULES, HERE_MS) is None


def test_the_window_goes_on_from_what_was_told() -> None:
    provider = Provider()
    provider.calls("fffffffff")
    known, admission = begins(told(provider))
    assert known.finish(admission, "failure", (), RULES, HERE_MS)[1] == "open"


def test_a_call_that_was_admitted_before_counts_after() -> None:
    provider = Provider()
    provider.calls("fffffffff")
    before = provider.begins()
    assert told(provider).finish(before, "failure", (), RULES, HERE_MS)[1] == "open"


def test_a_call_that_was_admitted_alone_in_a_period_of_all_counts_for_all() -> None:
    provider = Provider()
    provider.calls("fffffffff")
    _, alone = begins(told(provider))
    assert provider.ends(as_theirs(alone), "failure") == "open"


def alone_open(known: Remembered) -> Remembered:
    for _ in range(RULES.window - known.shared.look(RULES, HERE_MS).calls):
        known, admission = begins(known)
        known, state = known.finish(admission, "failure", (), RULES, HERE_MS)
    assert state == "open"
    return known


def test_what_was_admitted_in_a_period_of_its_own_counts_for_nobody_else() -> None:
    provider = Provider()
    provider.calls("s")
    known = alone_open(told(provider))
    _, trial = begins(known, HERE_MS + 30_000)
    assert trial.token
    assert as_theirs(trial).period == OF_NO_PERIOD
    other = alone_open(Remembered.told(provider.shared, provider.now_ms + 1, HERE_MS))
    other, theirs = begins(other, HERE_MS + 30_000)
    assert (theirs.period, theirs.trial) == (trial.period, trial.trial), "the same numbers"
    assert other.finish(trial, "failure", (), RULES, HERE_MS + 30_000)[1] == "half-open"
    assert other.finish(theirs, "failure", (), RULES, HERE_MS + 30_000)[1] == "open"


def test_a_trial_that_was_given_before_ends_alone_as_well() -> None:
    provider, first = half_open()
    assert told(provider).finish(first, "failure", (), RULES, HERE_MS)[1] == "open"


def test_a_trial_that_was_given_alone_ends_nobody_elses() -> None:
    provider, _ = half_open()
    known, alone = begins(told(provider))
    second = provider.begins()
    assert (alone.period, alone.trial) == (second.period, second.trial), "the same numbers"
    assert provider.ends(as_theirs(alone), "failure") == "half-open"
    assert known.finish(alone, "failure", (), RULES, HERE_MS)[1] == "open"


def test_trials_of_all_that_nobody_tells_of_are_lost_in_time() -> None:
    provider, _ = half_open()
    assert told(provider).admit("p", RULES, HERE_MS + 5_000)[1] == Refused("open", 30_000)


def test_a_second_attempt_is_made_alone_as_long_as_the_period_lasts() -> None:
    provider = Provider()
    before = provider.begins()
    known = told(provider)
    assert known.still_closed(before, RULES, HERE_MS)
    assert not alone_open(known).still_closed(before, RULES, HERE_MS)
    known, alone = begins(known)
    assert known.still_closed(alone, RULES, HERE_MS)


def test_attempts_and_pauses_count_whatever_the_period() -> None:
    provider = Provider(Rules(endpoints=2))
    strange = replace(provider.begins(), period=1)
    known, _ = told(provider).finish(
        strange, "uncounted", [Attempted(1, 70, failed=False)], provider.rules, HERE_MS, retry_after_ms=2_000
    )
    seen = known.shared.look(provider.rules, HERE_MS)
    assert (seen.endpoints[1].latency_ms, seen.held_ms, seen.calls) == (70, 2_000, 0)


@pytest.mark.parametrize("shift_ms", [-BEGIN_MS, 0, 999])
def test_one_that_was_never_told_anything_begins_closed(shift_ms: int) -> None:
    known, admission = begins(Remembered(), BEGIN_MS + shift_ms)
    assert (admission.known.state, bool(admission.token)) == ("closed", True)
    assert known.still_closed(admission, RULES, BEGIN_MS + shift_ms)
