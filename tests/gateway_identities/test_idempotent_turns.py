"""What a repeated POST does: the pure rule, against a model that remembers everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from reference_gateway.core.idempotency import (
    Act,
    Mismatch,
    Operation,
    Remembered,
    Replay,
    Running,
    had_no_effect,
    is_remembered,
    turn_of,
)

LEASE_MS, KEEP_MS = 10, 100
BODIES = st.sampled_from([b"a", b"b"])


class Repeats(RuleBasedStateMachine):
    """One key: requests come, end in an answer, in none, or never; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.known: Operation | None = None
        self.acting: str | None = None
        self.began_ms = 0
        self.body = b""
        self.answered: Remembered | None = None
        self.drawn = 0

    @rule(body=BODIES)
    def asks(self, body: bytes) -> None:
        self.drawn += 1
        turn = turn_of(self.known, body, f"op-{self.drawn}", self.now_ms)
        gone = self.known is None or self.now_ms - self.began_ms >= KEEP_MS
        if gone:
            assert turn == Act(f"op-{self.drawn}")
            self.began_ms, self.body, self.answered = self.now_ms, body, None
        elif body != self.body:
            assert turn == Mismatch()
        elif self.answered is not None:
            assert turn == Replay(self.answered)
        elif self.acting is not None and self.known is not None and self.known.running_until_ms > self.now_ms:
            assert turn == Running(self.known.running_until_ms - self.now_ms)
        else:
            assert self.known is not None
            assert turn == Act(self.known.id)
        if isinstance(turn, Act):
            self.acting = turn.operation
            self.known = Operation(turn.operation, body, self.now_ms + LEASE_MS, self.began_ms + KEEP_MS)

    @rule()
    def is_answered(self) -> None:
        if self.acting is not None and self.known is not None:
            self.answered = Remembered(201, (), b"{}")
            self.known = replace(self.known, running_until_ms=0, answer=self.answered)
            self.acting = None

    @rule()
    def ends_without_an_answer(self) -> None:
        if self.acting is not None and self.known is not None:
            self.known = replace(self.known, running_until_ms=0)
            self.acting = None

    @rule(duration_ms=st.integers(1, KEEP_MS))
    def waits(self, duration_ms: int) -> None:
        self.now_ms += duration_ms


TestRepeats = Repeats.TestCase
TestRepeats.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize(
    ("status", "code", "remembered", "no_effect"),
    [
        (200, None, True, False),
        (204, None, True, False),
        (422, "field-invalid", True, False),
        (409, "keys-exhausted", True, False),
        (429, "login-locked", False, True),
        (503, "overloaded", False, True),
        (503, "vault-unavailable", False, False),
        (500, "internal", False, False),
        (500, None, False, False),
    ],
)
def test_which_answers_are_remembered(status: int, code: str | None, *, remembered: bool, no_effect: bool) -> None:
    assert (is_remembered(status), had_no_effect(status, code)) == (remembered, no_effect)
