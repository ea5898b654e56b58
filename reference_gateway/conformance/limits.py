"""Requests that are answered at once: who is limited, by which window, and how the answer says so."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from reference_gateway.adapters.redis.stepped import MemoryStore, RedisStore
from reference_gateway.core import answers
from reference_gateway.core.filters import ParameterError, parse_query
from reference_gateway.core.identity import Identity, identity_from_claims, network_of, window_key
from reference_gateway.core.limiter import Ask, Limits, Policy, microseconds
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.adapters.redis.stepped import Store
    from reference_gateway.core.answers import Answer
    from reference_gateway.core.window import Decision

OFFERS = answers.entry(
    b'{"items":[],"total":0,"next_cursor":null,"snapshot_id":"0","as_of":"1970-01-01T00:00:00Z","warnings":[]}'
)
LIST_PATH = "/api/v2/providers"
UNCOUNTED_PATHS = ("/api/v2/providers/health",)


class Clock(Protocol):
    """The shared store's clock."""

    def now_ms(self) -> int:
        """Milliseconds since an epoch that only this clock knows."""


class LimitedGateway:
    """Some instances of a gateway, each with its own clock, off by `skew_ms[instance]`, which a right one ignores."""

    def __init__(
        self,
        *,
        clock: Clock,
        instances: int = 1,
        settings: Mapping[str, str] | None = None,
        redis_url: str | None = None,
    ) -> None:
        """`settings` are the contract's names with text, as in the environment; what is missing has its default."""
        self.clock = clock
        self.instances = instances
        self.skew_ms = [0] * instances
        self.settings = dict(settings or {})
        self.limits = limits_of(self.settings)
        self.redis_url = redis_url
        self._opened: list[Store] = []
        self._traces = count(1)
        self.shared = self.open_store()

    def request(
        self, instance: int, method: str, path: str, headers: Mapping[str, str], credential: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer one request of somebody whose credential was verified: `{kind, name, plan}`."""
        fields = {name.lower(): value for name, value in headers.items()}
        trace_id = self.new_trace_id()
        target = urlsplit(path)
        if not target.path.startswith("/api/") or target.path in UNCOUNTED_PATHS:
            answer = answers.failed(Problem("not-found", "this driver serves no such path"), trace_id)
        else:
            answer = self.limited(instance, method, path, fields, self.identify(credential, fields), trace_id)
        return int(answer.status), dict(answer.headers), answer.body

    def limited(  # noqa: PLR0913, PLR0917 - one for each thing that a request is
        self, instance: int, method: str, path: str, fields: Mapping[str, str], identity: Identity, trace_id: str
    ) -> Answer:
        """Decide, render, and see that exactly what counts was counted."""
        policy = Policy(identity.plan, self.limit_for(identity.plan), self.limits.window_us)
        ask = Ask(self.window_key(identity), policy.limit, policy.window_us)
        decision = self.decide(instance, ask)
        if decision.admitted:
            answer = self.render_admitted(method, path, fields, policy, decision, trace_id)
        else:
            answer = self.render_refusal(identity, policy, decision, trace_id)
        self._count(instance, ask, was=decision.admitted, should=self.counts(int(answer.status)))
        return answer

    def new_trace_id(self) -> str:
        """Number the requests."""
        return f"{next(self._traces):032x}"

    def identify(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> Identity:
        """Name who is limited, by the credential alone."""
        kind, name, plan = credential["kind"], credential["name"], self.plan_of(credential, fields)
        if kind == "ip":
            return Identity(kind, network_of(name), plan)
        if kind == "key":
            return Identity(kind, name, plan)
        return identity_from_claims({"typ": kind, "sub": name, "plan": plan})

    def plan_of(self, credential: Mapping[str, Any], fields: Mapping[str, str]) -> str:  # noqa: ARG002 - see docstring
        """Take the plan from the credential; `fields`, the client's own words (names in lower case), have no say."""
        return str(credential["plan"])

    def limit_for(self, plan: str) -> int:
        """Look up how many admissions a window has."""
        return self.limits.policy(plan).limit

    def window_key(self, identity: Identity) -> str:
        """Name the window of an identity."""
        return window_key(identity)

    def decide(self, instance: int, ask: Ask) -> Decision:
        """Decide on one request, and count it if it is admitted."""
        return self.store_for(instance).decide(ask, self.now_us(instance))

    def store_for(self, instance: int) -> Store:  # noqa: ARG002 - the limit is shared by all instances
        """Take the windows that all instances share."""
        return self.shared

    def now_us(self, instance: int) -> int:  # noqa: ARG002 - an instance's own clock never matters
        """Read the store's clock."""
        return self.clock.now_ms() * 1000

    def counts(self, status: int) -> bool:
        """Say whether an answer of this status counts for the limit: all but refusals."""
        return status != 429  # noqa: PLR2004 - the status of a refusal

    def _count(self, instance: int, ask: Ask, *, was: bool, should: bool) -> None:
        """Nothing to do where admissions and what counts are the same, as they are in a right gateway."""
        if should and not was:
            self.store_for(instance).add(ask, self.now_us(instance))
        if was and not should:
            self.store_for(instance).remove(ask)

    def render_admitted(  # noqa: PLR0913, PLR0917 - as `limited`
        self, method: str, path: str, fields: Mapping[str, str], policy: Policy, decision: Decision, trace_id: str
    ) -> Answer:
        """Answer with the list, with 304 to who has it, or with what is wrong with the request."""
        if problem := problem_of(method, path):
            return answers.failed(problem, trace_id, answers.limited(policy, decision, trace_id))
        return answers.admitted(OFFERS, fields.get("if-none-match"), policy, decision, trace_id)

    def render_refusal(self, identity: Identity, policy: Policy, decision: Decision, trace_id: str) -> Answer:
        """Answer 429."""
        return answers.refused(identity, policy, decision, trace_id)

    def open_store(self) -> Store:
        """Open windows that are empty."""
        store: Store = RedisStore(self.redis_url) if self.redis_url else MemoryStore()
        self._opened.append(store)
        return store

    def close(self) -> None:
        """Give back what was opened, and leave nothing of this driver in Redis."""
        for store in self._opened:
            store.close()


def problem_of(method: str, path: str) -> Problem | None:
    """Say what is wrong with an admitted request, if anything is."""
    target = urlsplit(path)
    if target.path != LIST_PATH:
        return Problem("not-found", "no such path")
    if method not in {"GET", "HEAD"}:
        return Problem("method-not-allowed", f"{LIST_PATH} is read with GET")
    try:
        parse_query(parse_qsl(target.query, keep_blank_values=True))
    except ParameterError as error:
        return Problem(error.code, str(error), field=error.field)
    return None


def limits_of(settings: Mapping[str, str]) -> Limits:
    """Read the settings GATEWAY_RATE_*; raises ValueError or ArithmeticError for what is no number in bounds."""
    known = Limits()
    return Limits(
        window_us=microseconds(Decimal(settings.get("GATEWAY_RATE_WINDOW_S", "1"))),
        free=int(settings.get("GATEWAY_RATE_FREE", known.free)),
        pro=int(settings.get("GATEWAY_RATE_PRO", known.pro)),
        enterprise=int(settings.get("GATEWAY_RATE_ENTERPRISE", known.enterprise)),
    )


def with_field(answer: Answer, name: str, value: str | None) -> Answer:
    """Put another value in a field of an answer (name in lower case); None takes the field out."""
    kept = tuple(field for field in answer.headers if field[0] != name)
    return replace(answer, headers=kept if value is None else (*kept, (name, value)))
