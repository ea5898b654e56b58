"""P09 - Weighted balancing.

    Healthy endpoints of a provider receive its calls in proportion to their weights. An endpoint whose last 10 calls
    averaged more than 2 s counts half, once, until that average is below again; one that failed 3 times in a row or
    failed its probe gets nothing until a probe (every 30 s) succeeds. While the breaker is closed, a failed attempt is
    made once more at another healthy endpoint, within the same `GATEWAY_UPSTREAM_TIMEOUT_S`: both attempts are one
    call, of which the final outcome counts for the breaker; once it is open or half-open no second attempt begins.
    Latency and failures of endpoints count attempts. If no endpoint of a provider is healthy, all count as healthy for
    choosing, so that the breaker can fill and its trials can run. (C) the order within a cycle, unless the target
    claims `balancing = "smooth"`: then exact per cycle on one instance.

Nothing stays fresh here (a TTL of 0), and reads come one after the other: each makes one call, whose attempts the
ledger shows. Proportions are judged by a sequential test: a gateway that throws fair dice is convicted by a whole run
with a chance of at most 1e-6. In process a story's many calls convict with a chance of 0.99 whoever throws dice by
equal weights instead of 3:1, does not halve a slow endpoint of two equal ones, or does not restore it; on the wire they
are enough for weights ignored alone. Where `smooth` is claimed, one cycle that is not exact convicts.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from hypothesis import stateful
from hypothesis import strategies as st

from gatespec.checkers.balance import judge_balance
from gatespec.checkers.calls import CLIENT_LEFT, OK
from gatespec.checkers.choices import SMOOTH, balances, surely_in, surely_out
from gatespec.checkers.health import SETTLE_MS, Rules
from gatespec.checkers.probing import find_unprobed
from gatespec.checkers.proportions import calls_to_catch, shares_of
from gatespec.checkers.stretches import stretches_of
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.crowd import is_in_process
from gatespec.engine.reading import INSTANCES, ReadMachine
from gatespec.engine.story import opens, told
from gatespec.read_ports import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.choices import Balance, Choice, Weights
    from gatespec.checkers.findings import Findings
    from gatespec.checkers.stretches import Stretch
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.read_ports import Failing

Manner = Literal["quick", "slow", "drags", "fails", "resets", "fails late"]
Count = Literal["one", "few", "some", "many", "very many"]

MANNERS: dict[Manner, tuple[int, Failing]] = {
    "quick": (0, ""),
    "slow": (0, ""),
    "drags": (700, ""),
    "fails": (0, "status"),
    "resets": (0, "reset"),
    "fails late": (400, "status"),
}
"""An endpoint's latency in thousandths of a call's time-out, and how it fails. After one that fails late there is room
for a second attempt, and not for one that drags."""
SLOW = 1200
"""In thousandths of what is slow."""
WEIGHTS = ([3, 1], [1, 1], [5, 2, 1])
COUNTS: dict[Count, int] = {"one": 1, "few": 6, "some": 24}
MANY, VERY_MANY, EXACTLY_MANY = 340, 840, 24
"""As many as convict dice that ignore weights; dice that do not halve; and some whole cycles where those are exact."""
SLOW_ON_A_WIRE = 30
"""Where each third call takes its time for real."""
EITHER = 2
"""Reads go to the instances in turn."""
PLACES = st.integers(0, 2)
WELL_OR_NOT: st.SearchStrategy[Failing] = st.sampled_from(("status", "", "reset"))
PAIR = 2
PROBES = 2
"""Intervals within which each endpoint surely was probed."""


def once(rule: Any) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
    """Keep a waiting rule for stories in which something was done since the last wait: a second one shows nothing."""
    return stateful.precondition(lambda machine: not machine.rested)(rule)


class WeightedBalancingMachine(ReadMachine):
    """Reads of one provider, one after the other, while its endpoints slow down, fail, and come back.

    Feature: provider-api-gateway, Property 9
    """

    probes_matter = True

    @opens(weights=st.sampled_from(WEIGHTS))
    def a_provider_arrives(self, weights: list[int]) -> None:
        """With so many endpoints of these weights, all of them well; and is read once."""
        self.places, self.slow, self.moved, self.rested = len(weights), False, False, False
        self.arrive(1, shape(weights))
        self.ask(self.read(self.providers))

    @told(count=st.sampled_from(("some", "few")), instance=INSTANCES | st.just(EITHER))
    def reads(self, count: Count, instance: int) -> None:
        """One after the other, each few once all instances know what was learnt before."""
        self.rested = False
        for place in range(self.number(count)):
            if place % COUNTS["few"] == 0:
                self.settle()
            self.ask(self.read(self.providers, place if instance == EITHER else instance))

    @told(count=st.sampled_from(("few", "one")))
    def reads_between_probes(self, count: Count) -> None:
        """One read, and then time for a probe: in process as often as you like, elsewhere a few times."""
        self.rested = False
        for place in range(self.number(count) if is_in_process(self) else 2):
            self.ask(self.read(self.providers, place))
            self.gateway.wait(self.its_rules.interval_ms)

    @told(place=PLACES, manner=st.sampled_from(sorted(MANNERS)))
    def an_endpoint_becomes(self, place: int, manner: Manner) -> None:
        """Its list answers so from now on; its probes stay as they are."""
        permille, failing = MANNERS[manner]
        slow_ms, timeout_ms = self.its_rules.slow_ms, self.times.timeout_ms
        latency_ms = slow_ms * SLOW // 1000 if manner == "slow" else timeout_ms * permille // 1000
        self.gateway.endpoint(self.providers[0], place % self.places, latency_ms=latency_ms, failing=failing)
        self.slow, self.moved, self.rested = self.slow or manner in {"slow", "drags"}, True, False

    @told(manner=st.sampled_from(("fails", "resets")))
    def all_become(self, manner: Manner) -> None:
        """No endpoint lists anything any more."""
        for place in range(self.places):
            self.gateway.endpoint(self.providers[0], place, failing=MANNERS[manner][1])
        self.moved, self.rested = True, False

    @told(place=PLACES, failing=WELL_OR_NOT)
    def its_probes_become(self, place: int, failing: Failing) -> None:
        """They fail from now on, or are well again; its list stays as it is."""
        self.gateway.probes(self.providers[0], place % self.places, failing=failing)
        self.rested = False

    @once
    @told()
    def probes_pass(self) -> None:
        """Wait until each endpoint surely was probed."""
        self.gateway.wait(PROBES * self.its_rules.interval_ms + SETTLE_MS)
        self.moved = self.rested = True

    @once
    @told()
    def the_breaker_has_been_open(self) -> None:
        """Wait for as long as it stays open."""
        self.gateway.wait(int(Fraction(self.example.context.settings["GATEWAY_BREAKER_OPEN_S"]) * 1000) + SETTLE_MS)
        self.rested = True

    @property
    def its_rules(self) -> Rules:
        """What this gateway's endpoints go by."""
        return Rules.of(self.example.context.settings)

    def settle(self) -> None:
        """Wait until every instance knows, where there may be anything new to know."""
        if self.moved:
            self.gateway.wait(SETTLE_MS + 1)

    def number(self, count: Count) -> int:
        """How many that is."""
        if count in COUNTS:
            return COUNTS[count]
        if self.example.context.balancing == SMOOTH:
            return EXACTLY_MANY
        if self.slow and not is_in_process(self):
            return SLOW_ON_A_WIRE
        return VERY_MANY if count == "very many" else MANY


def shape(weights: Sequence[int]) -> Shape:
    """A provider with endpoints of these weights."""
    return Shape(weights=tuple(weights))


def weights_of(example: Example) -> list[float]:
    """What the story's provider came with: the record says it in the story's first step."""
    return list(example.story[0][1]["weights"])


def check(example: Example, since: int) -> Findings:
    """Every call, the proportions, and that probes go out."""
    findings = judge_balance(example, since, weights_of(example))
    findings.breaches += find_unprobed(example, since, len(weights_of(example)))
    return findings


def witness(example: Example) -> Counter[str]:
    """What was seen of the one provider."""
    marks: Counter[str] = Counter()
    for balance in balances(example, weights_of(example)):
        marks += _marks_of_proportions(balance, example)
        for choice in balance.choices:
            marks += _marks_of_call(balance, choice)
        for place in range(len(balance.weights)):
            marks += _marks_of_endpoint(balance, place, example)
    return marks


def _marks_of_proportions(balance: Balance, example: Example) -> Counter[str]:
    declared, stretches = shares_of(balance.weights), stretches_of(balance)
    full = [stretch for stretch in stretches if stretch.weights == declared]
    ignored = shares_of([Fraction(1)] * len(declared))
    marks = Counter(proportional=int(ignored != declared and _tells(full, ignored, example)))
    halved: Stretch | None = None
    for stretch in stretches:
        if stretch.weights != declared and all(stretch.weights):
            marks["halved"] += _tells([stretch], declared, example)
            halved = stretch
        elif halved and stretch.weights == declared:
            marks["unhalved"] += _tells([stretch], halved.weights, example)
    return marks


def _tells(alike: Sequence[Stretch], wrong: Weights, example: Example) -> bool:
    """Whether these stretches would have told their weights from the wrong ones.

    On a wire a slow endpoint takes its time: there so many calls are enough that dice would be caught in process.
    """
    if not alike:
        return False
    weights, calls = alike[0].weights, sum(len(stretch.choices) for stretch in alike)
    if example.context.balancing == SMOOTH:
        return any(len(dealt) >= stretch.settles for stretch in alike for dealt in stretch.dealt().values())
    on_a_wire = example.context.tier != "component" and len(set(wrong)) + len(set(weights)) > 1 and len(weights) == PAIR
    return calls >= (COUNTS["some"] if on_a_wire else calls_to_catch(weights, wrong))


def _marks_of_call(balance: Balance, choice: Choice) -> Counter[str]:
    call, second = choice.call, choice.call.second
    given_up = [attempt.outcome for attempt in call.as_met(balance.timeout_ms)][1:] == [CLIENT_LEFT]
    shown = call.read.of(balance.name)
    failed = call.first is not None and call.first.outcome != OK
    return Counter(
        {
            "second-attempt": int(second is not None and shown.is_fresh and shown.serial == second.serial),
            "time-out-shared": int(given_up),
            "trial-alone": int(call.closed is False and failed),
            "none-healthy": int(call.first is not None and all(map(surely_out, choice.states))),
        }
    )


def _marks_of_endpoint(balance: Balance, place: int, example: Example) -> Counter[str]:
    """What an endpoint went through; that it was out counts where others were called meanwhile."""
    marks: Counter[str] = Counter()
    results = [c for c in (*example.calls, *example.probes) if c.endpoint == place and c.outcome != OK]
    was_out = False
    for choice in (choice for choice in balance.choices if choice.call.first):
        if surely_out(choice.states[place]):
            was_out = True
            before = {call.kind for call in results if call.began_ms < choice.call.read.sent_ms}
            marks["put-out"] += before == {"list"} and choice.chosen != place
            marks["probe-put-out"] += before == {"probe"}
        elif surely_in(choice.states[place]) and was_out and choice.chosen == place:
            marks["taken-back"] += 1
    return marks


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("a_provider_arrives", {"weights": [5, 2, 1]}),
        ("reads", {"count": "many", "instance": 0}),
        ("an_endpoint_becomes", {"place": 0, "manner": "fails"}),
        ("reads", {"count": "some", "instance": 0}),
        ("reads", {"count": "some", "instance": 1}),
        ("an_endpoint_becomes", {"place": 0, "manner": "quick"}),
        ("probes_pass", {}),
        ("reads", {"count": "some", "instance": 2}),
    ),
    (
        ("a_provider_arrives", {"weights": [3, 1]}),
        ("its_probes_become", {"place": 0, "failing": "status"}),
        ("probes_pass", {}),
        ("reads", {"count": "few", "instance": 2}),
        ("probes_pass", {}),
        ("an_endpoint_becomes", {"place": 1, "manner": "fails"}),
        ("reads", {"count": "one", "instance": 0}),
        ("an_endpoint_becomes", {"place": 1, "manner": "quick"}),
        ("reads", {"count": "few", "instance": 2}),
        ("its_probes_become", {"place": 0, "failing": ""}),
        ("probes_pass", {}),
        ("reads", {"count": "some", "instance": 2}),
    ),
    (
        ("a_provider_arrives", {"weights": [3, 1]}),
        ("its_probes_become", {"place": 0, "failing": "status"}),
        ("its_probes_become", {"place": 1, "failing": "reset"}),
        ("probes_pass", {}),
        ("reads", {"count": "some", "instance": 1}),
        ("reads", {"count": "many", "instance": 0}),
    ),
    (
        ("a_provider_arrives", {"weights": [1, 1]}),
        ("an_endpoint_becomes", {"place": 0, "manner": "slow"}),
        ("reads", {"count": "some", "instance": 0}),
        ("reads", {"count": "very many", "instance": 0}),
        ("an_endpoint_becomes", {"place": 0, "manner": "quick"}),
        ("reads", {"count": "some", "instance": 0}),
        ("reads", {"count": "very many", "instance": 0}),
    ),
    (
        ("a_provider_arrives", {"weights": [1, 1]}),
        ("an_endpoint_becomes", {"place": 1, "manner": "slow"}),
        ("reads", {"count": "some", "instance": 0}),
        ("reads_between_probes", {"count": "very many"}),
    ),
    (
        ("a_provider_arrives", {"weights": [3, 1]}),
        ("an_endpoint_becomes", {"place": 0, "manner": "resets"}),
        ("reads_between_probes", {"count": "some"}),
    ),
    (
        ("a_provider_arrives", {"weights": [3, 1]}),
        ("its_probes_become", {"place": 0, "failing": "status"}),
        ("its_probes_become", {"place": 1, "failing": "status"}),
        ("all_become", {"manner": "fails"}),
        ("reads", {"count": "few", "instance": 0}),
        ("reads", {"count": "few", "instance": 1}),
        ("the_breaker_has_been_open", {}),
        ("reads", {"count": "one", "instance": 0}),
        ("an_endpoint_becomes", {"place": 0, "manner": "quick"}),
        ("an_endpoint_becomes", {"place": 1, "manner": "quick"}),
        ("the_breaker_has_been_open", {}),
        ("reads", {"count": "few", "instance": 2}),
    ),
    (
        ("a_provider_arrives", {"weights": [1, 1]}),
        ("an_endpoint_becomes", {"place": 0, "manner": "fails late"}),
        ("an_endpoint_becomes", {"place": 1, "manner": "drags"}),
        ("reads", {"count": "few", "instance": 0}),
    ),
)
ALONE = {
    "GATEWAY_RATE_ENTERPRISE": "100000",
    "GATEWAY_TTL_PRICING_S": "0",
    "GATEWAY_POLL_S": "0",
    "GATEWAY_XFETCH_BETA": "0",
}
"""Every read makes a call, and nothing else does."""
SHORT = {
    "GATEWAY_DEADLINE_S": "1.4",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "0.8",
    "GATEWAY_LEASE_S": "1.5",
    "GATEWAY_SLOW_S": "0.15",
    "GATEWAY_HEALTH_INTERVAL_S": "1",
    "GATEWAY_BREAKER_OPEN_S": "0.6",
    "GATEWAY_BREAKER_TRIAL_S": "0.5",
    **ALONE,
}

CHAPTER = Chapter(
    "P09",
    WeightedBalancingMachine,
    check,
    witness,
    settings={"component": ALONE, "wire": SHORT, "real-time": ALONE},
    examples={"component": 30, "wire": 4},
    steps=8,
    told_first=TOLD_FIRST,
    # Each endpoint is probed all the time: few of them, and the pool is renewed sooner.
    needs=Needs(providers=2, shapes=((shape([3, 1]), 12), (shape([1, 1]), 8), (shape([5, 2, 1]), 6))),
)
