"""The script on a real Redis, held against the rules without one; and what it does on a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import Redis

from reference_gateway.adapters.redis import upstream_script
from reference_gateway.adapters.redis.stepped_upstreams import MemoryUpstreams, RedisUpstreams
from reference_gateway.adapters.redis.upstream_script import KEEP_MS, PREFIX, SCRIPT
from reference_gateway.adapters.redis.words import TooLate, Word
from reference_gateway.core.upstream.ports import Admission, Attempted, Refused, Rules
from reference_gateway.core.upstream.shared import SharedUpstream
from tests.gateway_upstream.calls import BEGIN_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference_gateway.adapters.redis.stepped_upstreams import SteppedUpstreams

FEW = Rules(window=4, failure_rate=0.5, open_ms=40, trials=2, trial_ms=20, rate_per_s=None, endpoints=2)
PACED = replace(FEW, window=3, failure_rate=0.6, trials=3, rate_per_s=300.0, retry_out_ms=0)
FEWER = replace(FEW, window=2, trials=1)
"""The same provider after its settings were changed."""
NOBODY = Admission("p", -1, 0, SharedUpstream().look(FEW, BEGIN_MS))

Step = tuple[str, int, int, str]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "admit", "finish", "finish", "finish", "still", "probe", "turn", "look", "fewer"]),
        st.integers(0, 3),
        st.sampled_from([0, 0, 0, 0, 1, 19, 20, 21, 39, 40, 61, -30]),
        st.sampled_from(["success", "failure", "failure", "uncounted"]),
    ),
    max_size=40,
)
CALL: list[Step] = [("admit", 0, 0, ""), ("finish", 0, 0, "success")]
OPENS: list[Step] = [("admit", 0, 0, ""), ("finish", 0, 0, "failure")] * 2 + CALL * 2
ASKS: Step = ("admit", 0, 0, "")


def waits(duration_ms: int) -> Step:
    return ("admit", 0, duration_ms, "")


def trials(number: int, *outcomes: str) -> list[Step]:
    begun: list[Step] = [("admit", 0, 40 if first == 0 else 0, "") for first in range(number)]
    return begun + [("finish", which, 1, outcome) for which, outcome in enumerate(outcomes)]


@dataclass
class Twin:
    """Does the same to a store, and remembers what it admitted."""

    store: SteppedUpstreams
    rules: Rules
    now_ms: int = BEGIN_MS
    admitted: list[Admission] = field(default_factory=lambda: [NOBODY])

    def step(self, verb: str, which: int, wait_ms: int, outcome: str) -> object:
        self.now_ms += wait_ms
        admission = self.admitted[-1 - which % len(self.admitted)]
        if verb == "admit":
            return self._told(self.store.admit("p", self.rules, self.now_ms))
        if verb == "finish":
            attempts = [Attempted(which % 2, 10 * each, failed=outcome != "success") for each in range(which)]
            hold_ms = 30 * which if outcome == "uncounted" else 0
            return self.store.finish(admission, outcome, attempts, self.rules, self.now_ms, retry_after_ms=hold_ms)  # type: ignore[arg-type] # one of the outcomes
        if verb == "still":
            return self.store.still_closed(admission, self.rules, self.now_ms)
        if verb == "probe":
            self.store.probed("p", which % 2, self.rules, self.now_ms, well=outcome == "success")
        if verb == "turn":
            return self.store.turn("probes", 20, self.now_ms)
        if verb == "fewer":
            self.rules = replace(FEWER, rate_per_s=self.rules.rate_per_s)
        return self.store.look("p", self.rules, self.now_ms)

    def _told(self, answer: Admission | Refused) -> Admission | Refused:
        if isinstance(answer, Admission):
            self.admitted.append(answer)
        return answer


@settings(deadline=None, max_examples=100)
@given(steps=STEPS, rules=st.sampled_from([FEW, PACED]))
@example(steps=[*CALL * 5, *OPENS], rules=FEW)
@example(steps=[ASKS, ("finish", 0, 0, "uncounted")], rules=FEW)
@example(steps=[*OPENS, waits(39), waits(1), ASKS, ASKS], rules=FEW)
@example(steps=[*OPENS, *trials(2, "success", "success"), ASKS], rules=FEW)
@example(steps=[*OPENS, *trials(2, "success", "failure"), ASKS], rules=FEW)
@example(steps=[*OPENS, *trials(2, "uncounted"), ASKS], rules=FEW)
@example(steps=[*OPENS, *trials(2, "success", "success", "success"), ("look", 0, 0, "")], rules=FEW)
@example(steps=[*OPENS, *trials(1), waits(19), waits(1), waits(39), waits(1)], rules=FEW)
@example(steps=[*OPENS, *trials(1), waits(61), ASKS, ASKS], rules=FEW)
@example(steps=[*OPENS, *trials(2), waits(-30), waits(20)], rules=FEW)
@example(steps=[*OPENS, waits(-30), waits(39), waits(1)], rules=FEW)
@example(steps=[*OPENS, ("probe", 0, -30, "success"), waits(39)], rules=FEW)
@example(steps=[*OPENS, *trials(2, "success"), ("fewer", 0, 0, ""), ("finish", 0, 0, "success")], rules=FEW)
@example(steps=[ASKS, waits(3), waits(1), waits(-30), ASKS], rules=PACED)
@example(steps=[("finish", 3, 0, "failure")] * 5 + [("probe", 1, 0, "success"), ("look", 0, 0, "")], rules=FEW)
@example(steps=[("finish", 3, 0, "uncounted"), waits(89), waits(1)], rules=FEW)
@example(steps=[("finish", 3, 0, "uncounted"), ("finish", 1, 0, "uncounted"), ASKS], rules=FEW)
@example(steps=[("turn", 0, 0, ""), ("turn", 0, 19, ""), ("turn", 0, 1, ""), ("turn", 0, -30, "")], rules=FEW)
def test_the_script_follows_the_rules(redis_url: str, steps: list[Step], rules: Rules) -> None:
    memory, server = MemoryUpstreams(), RedisUpstreams(redis_url)
    pure, other = Twin(memory, rules), Twin(server, rules)
    try:
        for step in steps:
            assert pure.step(*step) == other.step(*step), step
            known = memory.shared("p", pure.rules, pure.now_ms)
            assert known == server.shared("p", other.rules, other.now_ms), step
    finally:
        server.close()


def test_nothing_is_left_behind(clean_redis_url: str) -> None:
    store = RedisUpstreams(clean_redis_url)
    store.admit("p", FEW, BEGIN_MS)
    store.turn("probes", 20, BEGIN_MS)
    with Redis.from_url(clean_redis_url) as client:
        assert client.dbsize() == 2
        store.close()
        assert client.dbsize() == 0


class Direct:
    """The script as the gateway sends it: by the server's own clock, under the gateway's own keys."""

    def __init__(self, client: Redis) -> None:
        self.client = client

    def say(self, call: Any, *, key: str = PREFIX + "p", **how: int) -> list[Any]:  # noqa: ANN401 - built for it
        words: tuple[Any, ...] = SCRIPT.arguments(Word(key, call), **how)
        return list(self.client.eval(SCRIPT.source, *words))

    def admit(self, open_for_ms: int | None = None) -> Admission | Refused:
        return upstream_script.answer(self.say(upstream_script.admit(FEW, open_for_ms)), "p", FEW)


@pytest.fixture
def direct(clean_redis_url: str) -> Iterator[Direct]:
    with Redis.from_url(clean_redis_url) as client:
        yield Direct(client)


def test_it_goes_by_the_servers_own_clock(direct: Direct) -> None:
    admission = direct.admit()
    assert isinstance(admission, Admission)
    seconds, microseconds = direct.client.time()
    assert 0 <= seconds * 1000 + microseconds // 1000 - admission.period < 60_000


def test_what_comes_too_late_does_nothing(direct: Direct) -> None:
    for call in (upstream_script.admit(FEW), upstream_script.turn(1_000), upstream_script.look(FEW)):
        with pytest.raises(TooLate):
            upstream_script.said(direct.say(call, last_ms=1))
    with pytest.raises(TooLate):
        upstream_script.shared(direct.say(upstream_script.look(FEW), last_ms=1))
    assert direct.client.dbsize() == 0


def test_no_key_stays_for_ever(direct: Direct) -> None:
    direct.admit()
    direct.say(upstream_script.turn(5 * KEEP_MS), key="turn")
    assert 0 < direct.client.pttl(PREFIX + "p") <= KEEP_MS
    assert KEEP_MS < direct.client.pttl("turn") <= 5 * KEEP_MS


def test_looking_writes_nothing(direct: Direct) -> None:
    direct.say(upstream_script.look(FEW))
    direct.say(upstream_script.still_closed(FEW, NOBODY))
    assert direct.client.dbsize() == 0


def test_what_a_caller_remembers_is_believed_where_the_server_knows_nothing(direct: Direct) -> None:
    refused = direct.admit(open_for_ms=10)
    assert isinstance(refused, Refused)
    assert (refused.why, 0 < refused.left_ms <= 30) == ("open", True)
    direct.client.flushdb()
    admission = direct.admit()
    assert isinstance(admission, Admission)
    again = direct.admit(open_for_ms=10)
    assert isinstance(again, Admission)
    assert (again.period, again.known.state) == (admission.period, "closed")


@pytest.mark.parametrize("word", ["", "opened", "trial"])
def test_a_strange_answer_is_an_error(word: str) -> None:
    reply = [BEGIN_MS, word.encode(), 0, 0]
    with pytest.raises(ValueError, match="expected"):
        upstream_script.answer(reply, "p", FEW)
    with pytest.raises(ValueError, match="expected"):
        upstream_script.state(reply)
