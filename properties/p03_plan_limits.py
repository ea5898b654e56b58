"""P03 - Plan limits.

    In any window of 1 s an identity gets at most its plan's number of admissions (free 10, pro 100, enterprise
    1000), and gets every one of them (an admission may still be answered 503 by P30). The limit is shared by all
    instances (with Redis away: per instance).

Who is counted matters here: users, keys, agents, services and addresses (IPv6 by /64), of every plan, side by side and
over all instances, with headers that claim another plan, with answers that carry no body and with answers that are
errors. When they ask, down to the millisecond, is P08's.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from hypothesis import strategies as st

from gatespec.checkers.limits import by_identity, judge_limits, window_ms
from gatespec.checkers.twins import find_admitted_twins
from gatespec.checkers.windows import answer_of
from gatespec.engine.chapter import Chapter
from gatespec.engine.crowd import FILLS, HOWS, PERMILLE, SHORT_WINDOW, Fill, How, LimiterMachine
from gatespec.engine.story import after_asking, opens, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.history import Example
    from gatespec.ports import Exchange, Kind, Plan

PEOPLE = 3
WHO = st.integers(0, PEOPLE - 1)
NOT_MODIFIED = 304
CLIENT_ERRORS = range(400, 500)
MEETABLE = [
    *(f"{kind} {plan}" for plan in ("free", "free", "pro") for kind in ("user", "key")),
    *("ip free", "ip free", "service pro", "user enterprise", "agent enterprise"),
]
"""Kind and plan; few are of the largest plan, whose thousand requests take longest."""


class PlanLimitMachine(LimiterMachine):
    """Three people of different kinds and plans ask one gateway of several instances.

    Feature: provider-api-gateway, Property 3
    """

    @opens(people=st.lists(st.sampled_from(MEETABLE), min_size=PEOPLE, max_size=PEOPLE))
    def meets(self, people: list[str]) -> None:
        """Bring three people whose windows are empty."""
        for person in people:
            kind, plan = person.split()
            self.people.append(self.gateway.fresh(cast("Kind", kind), cast("Plan", plan)))

    @told(
        who=WHO,
        instance=st.integers(0, 1),
        fill=FILLS,
        how=HOWS,
        claims=st.sampled_from(("", "", "enterprise", "free", "nonsense")),
    )
    def asks(self, who: int, instance: int, fill: Fill, how: How, claims: str) -> None:
        """Ask one after the other; `claims` is a plan that nobody proved."""
        self.ask_in_turn(self.people[who], instance, fill, how, claims)

    @told(who=WHO, fill=FILLS)
    def asks_everywhere_at_once(self, who: int, fill: Fill) -> None:
        """Ask all instances side by side."""
        self.ask_at_once(self.people[who], fill)

    @after_asking
    @told(permille=PERMILLE)
    def waits(self, permille: int) -> None:
        """Let part of a window pass, or more than one."""
        self.let_pass(permille)

    @after_asking
    @told()
    def somebody_else_asks_the_same(self) -> None:
        """The twin of a refusal."""
        self.ask_for_a_twin()


def witness(example: Example) -> Counter[str]:
    """Whose limit was reached, and what had been counted by then."""
    window = window_ms(example.context.settings)
    marks = Counter({"refusal-twin-admitted": len(find_admitted_twins(example))})
    for exchanges in by_identity(example).values():
        told = [e for _, e in exchanges]
        for place in _limits_reached(told):
            marks += _marks(told, place, window)
            marks["two-identities"] += _admitted_beside(told[place], example, window)
    return marks


def _limits_reached(exchanges: Sequence[Exchange]) -> list[int]:
    """Places of the refusals that follow an admission; those right after them say nothing new."""
    pairs = pairwise(exchanges)
    reached = (answer_of(before) == "admitted" and answer_of(after) == "refused" for before, after in pairs)
    return [place for place, is_reached in enumerate(reached, 1) if is_reached]


def _marks(exchanges: Sequence[Exchange], place: int, window: int) -> Counter[str]:
    refusal = exchanges[place]
    who, began = refusal.request.identity, refusal.span.sent_ms - window
    counted = [e for e in exchanges[:place] if answer_of(e) == "admitted" and e.span.sent_ms > began]
    return Counter(
        {
            f"limit-reached-{who.plan}": 1,
            f"kind-{who.kind}": 1,
            "both-instances": int(len({e.request.instance for e in counted}) > 1),
            "plan-header-ignored": int(any(name == "X-Plan" for name, _ in refusal.request.headers)),
            "not-modified-counted": int(any(e.status == NOT_MODIFIED for e in counted)),
            "client-error-counted": int(any(e.status in CLIENT_ERRORS for e in counted)),
        }
    )


def _admitted_beside(refusal: Exchange, example: Example, window: int) -> bool:
    """Whether somebody else was admitted after this refusal, while its window still was as full."""
    ends = refusal.span.sent_ms + window
    return any(
        answer_of(e) == "admitted"
        and e.request.identity != refusal.request.identity
        and refusal.span.heard_ms <= e.span.sent_ms < ends
        for e in example.exchanges
    )


CHAPTER = Chapter(
    "P03",
    PlanLimitMachine,
    judge_limits,
    witness,
    settings={"wire": SHORT_WINDOW},
    examples={"component": 100, "wire": 40},
)
