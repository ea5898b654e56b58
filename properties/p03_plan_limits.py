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
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from hypothesis import strategies as st

from gatespec.checkers.limits import by_identity, judge_limits, window_ms
from gatespec.checkers.twins import find_admitted_twins
from gatespec.checkers.windows import answer_of
from gatespec.engine.chapter import Chapter
from gatespec.engine.crowd import (
    FILLS,
    HOWS,
    PERMILLE,
    SHORT_WINDOW,
    Fill,
    How,
    LimiterMachine,
    in_process,
)
from gatespec.engine.story import after_asking, opens, told
from gatespec.ports import Untestable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Exchange, Identity, Kind, Plan

PEOPLE = 3
WHO = st.integers(0, PEOPLE - 1)
NOT_MODIFIED = 304
CLIENT_ERRORS = range(400, 500)
MEETABLE = [
    *(f"{kind} {plan}" for plan in ("enterprise", "pro", "free") for kind in ("user", "key", "agent", "service")),
    *("ip free", "user free", "ip free", "key free", "ip free"),
]
TRIOS = [[MEETABLE[(first + 6 * place) % len(MEETABLE)] for place in range(PEOPLE)] for first in range(len(MEETABLE))]
"""Everybody opens some story; no two of the largest plan meet, whose thousand requests take longest."""
PLANS = ("enterprise", "pro", "free", "nonsense")
CLAIMS = st.sampled_from(("", *(f"X-Plan: {plan}" for plan in PLANS), "X-User-Id: somebody"))
"""Header lines that prove nothing."""
NAMINGS = {"the same": "{0}", "in capitals": "{1}", "at length": "{0:-<40}1 {0:-<40}2"}
"""Names, of the known one's and that in capitals, which a careless key of a window takes for one."""
NEEDED_KINDS = ("user", "key", "ip")
"""Where a door lacks one of these there is nothing to see; for others a user of the same plan comes."""
KINDS: tuple[Kind, ...] = ("user", "key", "agent", "service")
MANY = 100
"""A story meets a larger limit in whole at its opening; after that in part, or nothing else would be told."""
STRANGERS = st.sampled_from((3, 130))
"""More than a store holds that was made for a few, and than a cache whose size nobody chose (128 in Python)."""


class PlanLimitMachine(LimiterMachine):
    """Three people of different kinds and plans ask one gateway of several instances.

    Feature: provider-api-gateway, Property 3
    """

    @opens(people=st.sampled_from(TRIOS), claims=CLAIMS)
    def meets(self, people: list[str], claims: str) -> None:
        """Bring three people whose windows are empty; the first asks at once for more than it gets."""
        for person in people:
            kind, plan = person.split()
            self.people.append(self._somebody(cast("Kind", kind), cast("Plan", plan)))
        for place in range(self.count(self.people[0], "beyond")):
            self.note(self.ask(self.request(self.people[0], place, "variously", claims)))

    def _somebody(self, kind: Kind, plan: Plan) -> Identity:
        try:
            return self.gateway.fresh(kind, plan)
        except Untestable:
            if kind in NEEDED_KINDS and plan != "enterprise":
                raise
            return self.gateway.fresh("user", plan)

    @told(who=WHO, instance=st.integers(0, 1), fill=FILLS, how=HOWS, claims=CLAIMS)
    def asks(self, who: int, instance: int, fill: Fill, how: How, claims: str) -> None:
        """Ask one after the other; `claims` is a plan that nobody proved."""
        self.ask_in_turn(self.people[who], instance, self._part(who, fill, "one"), how, claims)

    @told(who=WHO, fill=FILLS, how=HOWS, claims=CLAIMS)
    def asks_everywhere_at_once(self, who: int, fill: Fill, how: How, claims: str) -> None:
        """Ask all instances side by side."""
        self.ask_at_once(self.people[who], self._part(who, fill, "third"), how, claims)

    def _part(self, who: int, fill: Fill, of_many: Fill) -> Fill:
        return fill if self.limit(self.people[who]) <= MANY else of_many

    @in_process
    @told(who=WHO, kind=st.sampled_from(KINDS), named=st.sampled_from(sorted(NAMINGS)))
    def a_namesake_asks(self, who: int, kind: Kind, named: str) -> None:
        """Somebody of the same plan and of almost the same name asks for its whole limit: it is somebody else."""
        known = self.people[who]
        if known.kind != "ip":
            for name in NAMINGS[named].format(known.name, known.name.upper()).split():
                somebody = replace(known, kind=kind, name=name)
                self.ask_in_turn(somebody, 0, self._part(who, "all", "one"))

    @in_process
    @told(many=STRANGERS)
    def strangers_pass(self, many: int) -> None:
        """Many others ask once each: that is no reason to forget anybody."""
        self.ask(*(self.request(self.gateway.fresh("ip", "free"), place) for place in range(many)))

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


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("meets", {"people": ["user free", "key free", "ip free"], "claims": "X-Plan: enterprise"}),
        ("somebody_else_asks_the_same", {}),
        ("asks", {"who": 1, "instance": 1, "fill": "beyond", "how": "variously", "claims": ""}),
        ("asks_everywhere_at_once", {"who": 2, "fill": "beyond", "how": "revalidating", "claims": ""}),
    ),
    (
        ("meets", {"people": ["user enterprise", "user pro", "user free"], "claims": "X-Plan: free"}),
        ("asks", {"who": 1, "instance": 0, "fill": "beyond", "how": "variously", "claims": "X-Plan: nonsense"}),
        ("waits", {"permille": 1001}),
        ("asks", {"who": 1, "instance": 1, "fill": "half", "how": "plainly", "claims": ""}),
    ),
)

CHAPTER = Chapter(
    "P03",
    PlanLimitMachine,
    judge_limits,
    witness,
    settings={"wire": SHORT_WINDOW},
    examples={"component": 100, "wire": 40},
    told_first=TOLD_FIRST,
    on_cluster=24,
)
