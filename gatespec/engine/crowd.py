"""The words that the limiter's chapters share: somebody asks, somebody else asks the same, time passes."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, Literal

from hypothesis import stateful
from hypothesis import strategies as st

from gatespec.checkers.limits import limit_of, window_ms
from gatespec.checkers.twins import last_refusal
from gatespec.engine.story import StoryMachine
from gatespec.identities import neighbour
from gatespec.ports import Identity, Request, Untestable

if TYPE_CHECKING:
    from gatespec.ports import Exchange, Kind, Plan

Fill = Literal["one", "third", "half", "all", "beyond"]
How = Literal["plainly", "revalidating", "wrongly", "elsewhere", "briefly", "unasked", "variously"]

PATH = "/api/v2/providers"
WRONG_PATH = "/api/v2/providers?min_price=cheap"
NO_PATH = "/api/v2/nowhere"
PATHS: dict[How, str] = {"wrongly": WRONG_PATH, "elsewhere": NO_PATH}
METHODS: dict[How, str] = {"briefly": "HEAD", "unasked": "POST"}
"""Under `/api/` everything counts: what is not there and what a path does not take, too."""
FILLS: st.SearchStrategy[Fill] = st.sampled_from(("one", "third", "half", "all", "beyond"))
SORTS: tuple[How, ...] = ("plainly", "revalidating", "wrongly", "elsewhere", "revalidating", "briefly", "unasked")
HOWS: st.SearchStrategy[How] = st.sampled_from(("variously", "plainly", *sorted(set(SORTS)), "variously", "variously"))
"""Mostly all sorts in turn, for the limit is one for all of them; else one sort alone."""
SPREAD, SPREAD_OVER = 2_654_435_761, 2**32 - 1
"""Knuth's multiplier: the addresses of one /64 differ from its 65th bit on."""
PERMILLE = st.one_of(st.sampled_from((1000, 999, 1001, 500)), st.integers(1, 1500))
"""A wait in thousandths of the window: around its edge, and anywhere."""
SHORT_PLANS = {
    "GATEWAY_RATE_FREE": "3",
    "GATEWAY_RATE_PRO": "5",
    "GATEWAY_RATE_ENTERPRISE": "8",
    # Redis is never away here: on a starved machine it must not look so, or each instance rightly counts alone.
    "GATEWAY_REDIS_BUDGET_S": "2",
}
SHORT_WINDOW = {"GATEWAY_RATE_WINDOW_S": "0.3", **SHORT_PLANS}
"""A window long beside a request's few milliseconds, so that most answers are permitted alone, and short to wait."""


def is_in_process(machine: StoryMachine) -> bool:
    """Whether people need no proof and time is the judge's: there it may call whom and when it likes."""
    return machine.example.context.tier == "component"


def in_process(rule: Any) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
    """Keep a rule for stories told to asking people in process."""
    return stateful.precondition(lambda m: bool(m.example.exchanges) and is_in_process(m))(rule)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value


class LimiterMachine(StoryMachine):
    """A few people before a gateway that counts what it admits."""

    def __init__(self) -> None:
        super().__init__()
        self.people: list[Identity] = []
        self._etag = ""
        self._spoken = 0

    def meet(self, *wanted: tuple[Kind, Plan]) -> None:
        """Bring those of these people whom the door has; if it has none, a client that says nothing of itself."""
        for kind, plan in wanted:
            with suppress(Untestable):
                self._bring(kind, plan)
        if not self.people:
            self._bring("ip", "free")

    def _bring(self, kind: Kind, plan: Plan) -> None:
        somebody = self.gateway.fresh(kind, plan)
        if somebody not in self.people:
            self.people.append(somebody)

    def person(self, who: int) -> Identity:
        """One of those who came: where fewer did, they come more often."""
        return self.people[who % len(self.people)]

    @property
    def window_ms(self) -> int:
        """The trailing window as this gateway has it."""
        return window_ms(self.example.context.settings)

    def limit(self, who: Identity) -> int:
        """The admissions that this identity's plan gives it."""
        return limit_of(self.example.context.settings, who.plan)

    def count(self, who: Identity, fill: Fill) -> int:
        """A number of requests: one, a part of a limit, a limit, or one more."""
        limit = self.limit(who)
        return {"one": 1, "third": -(-limit // 3), "half": -(-limit // 2), "all": limit, "beyond": limit + 1}[fill]

    def request(self, who: Identity, instance: int, how: How = "plainly", claims: str = "") -> Request:
        """A request, mostly for the offers; `claims` is a header line that proves nothing.

        An anonymous client speaks from another of its addresses each time.
        """
        self._spoken += 1
        sort = SORTS[self._spoken % len(SORTS)] if how == "variously" else how
        headers = [_field(claims)] if claims else []
        if sort == "revalidating" and self._etag:
            headers.append(("If-None-Match", self._etag))
        return Request(
            who,
            instance % self.gateway.instances,
            METHODS.get(sort, "GET"),
            PATHS.get(sort, PATH),
            headers=tuple(headers),
            address=self._one_of_its_addresses(who),
        )

    def _one_of_its_addresses(self, who: Identity) -> str:
        if who.kind != "ip" or ":" not in who.name:
            return ""
        address = neighbour(who.name, self._spoken * SPREAD % SPREAD_OVER)
        # Written out in full it is the same one: who cuts the text of an address has not read it.
        return IPv6Address(address).exploded if self._spoken % 2 else address

    def ask_in_turn(self, who: Identity, instance: int, fill: Fill, how: How = "plainly", claims: str = "") -> None:
        """Send the requests one after the other."""
        for _ in range(self.count(who, fill)):
            self.note(self.ask(self.request(who, instance, how, claims)))

    def ask_at_once(self, who: Identity, fill: Fill, how: How = "plainly", claims: str = "") -> None:
        """Send the requests side by side, to all instances in turn."""
        self.note(self.ask(*(self.request(who, place, how, claims) for place in range(self.count(who, fill)))))

    def note(self, exchanges: list[Exchange]) -> None:
        """Remember the newest entity tag, to revalidate with."""
        for exchange in exchanges:
            self._etag = exchange.headers.get("etag", self._etag)

    def ask_for_a_twin(self) -> None:
        """Let somebody new ask what was last refused, if it was."""
        refused = last_refusal(self.example.exchanges)
        if refused is None:
            return
        last = refused.request
        who = last.identity
        twin = self.gateway.fresh("user" if who.kind == "key" else who.kind, who.plan)
        if twin.id == who.id:
            return  # the door has nobody else
        self.ask(Request(twin, last.instance, last.method, last.path, last.headers))

    def let_pass(self, permille: int) -> None:
        """Let so many thousandths of a window pass, rounded up to a ms: 999 of a short one still end inside."""
        self.gateway.wait(-(-self.window_ms * permille // 1000))
