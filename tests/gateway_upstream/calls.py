"""What the tests of breakers do over and over: calls that begin, and end well or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from reference_gateway.core.upstream.ports import Admission, Attempted, Outcome, Refused, Rules, State, Upstream
from reference_gateway.core.upstream.shared import SharedUpstream

BEGIN_MS = 1_700_000_000_000
RULES = Rules()


@dataclass
class Provider:
    """One provider as its callers see it, on a clock that they hold."""

    rules: Rules = RULES
    now_ms: int = BEGIN_MS
    shared: SharedUpstream = field(default_factory=SharedUpstream)

    def admit(self) -> Admission | Refused:
        self.shared, answer = self.shared.admit("p", self.rules, self.now_ms)
        return answer

    def begins(self) -> Admission:
        admission = self.admit()
        assert isinstance(admission, Admission), admission
        return admission

    def refusal(self) -> Refused:
        refused = self.admit()
        assert isinstance(refused, Refused), refused
        return refused

    def ends(self, admission: Admission, outcome: Outcome, *attempts: Attempted, retry_after_ms: int = 0) -> State:
        self.shared, state = self.shared.finish(
            admission, outcome, attempts, self.rules, self.now_ms, retry_after_ms=retry_after_ms
        )
        return state

    def call(self, outcome: Outcome, *attempts: Attempted) -> State:
        return self.ends(self.begins(), outcome, *attempts)

    def calls(self, outcomes: str) -> State:
        """One call for each letter: s, f, or u."""
        for letter in outcomes:
            state = self.call({"s": "success", "f": "failure", "u": "uncounted"}[letter])  # type: ignore[arg-type]  # a word of it
        return state

    def waits(self, duration_ms: int) -> None:
        self.now_ms += duration_ms

    def look(self) -> Upstream:
        return self.shared.look(self.rules, self.now_ms)

    def state(self) -> State:
        return self.look().state


def opened(rules: Rules = RULES) -> Provider:
    """A provider whose breaker opened just now."""
    provider = Provider(rules)
    assert provider.calls("f" * rules.window) == "open"
    return provider


def half_open(rules: Rules = RULES) -> tuple[Provider, Admission]:
    """A provider whose breaker became half-open just now, and its first trial."""
    provider = opened(rules)
    provider.waits(rules.open_ms)
    return provider, provider.begins()
