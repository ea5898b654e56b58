"""Mistakes about how a refusal looks, and what it promises."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance import Reference, with_field

if TYPE_CHECKING:
    from reference_gateway.core.answers import Answer
    from reference_gateway.core.identity import Identity
    from reference_gateway.core.limiter import Ask, Policy
    from reference_gateway.core.window import Decision


class _RetryAfter(Reference):
    def said(self, decision: Decision) -> str | None:
        raise NotImplementedError

    def render_refusal(self, identity: Identity, policy: Policy, decision: Decision, trace_id: str) -> Answer:
        answer = super().render_refusal(identity, policy, decision, trace_id)
        return with_field(answer, "retry-after", self.said(decision))


class NoRetryAfter(_RetryAfter):
    """A refusal does not say when to come back."""

    kills = "P07"

    def said(self, decision: Decision) -> None:
        del decision


class ZeroRetryAfter(_RetryAfter):
    """A refusal says to come back at once."""

    kills = "P07"

    def said(self, decision: Decision) -> str:
        del decision
        return "0"


class FractionalRetryAfter(_RetryAfter):
    """Retry-After has a fraction of a second, which no client reads."""

    kills = "P07"

    def said(self, decision: Decision) -> str:
        return f"{max(decision.reset_us, 1_000_000) / 1_000_000:.1f}"


class EarlyRetryAfter(_RetryAfter):
    """Retry-After is rounded down, so that whoever obeys it comes too early."""

    kills = "P07"

    def said(self, decision: Decision) -> str:
        return str(max(1, decision.reset_us // 1_000_000))


class HtmlRefusal(Reference):
    """A refusal is a page for people."""

    kills = "P07"

    def render_refusal(self, identity: Identity, policy: Policy, decision: Decision, trace_id: str) -> Answer:
        answer = super().render_refusal(identity, policy, decision, trace_id)
        return replace(with_field(answer, "content-type", "text/html"), body=b"<h1>Too many requests</h1>")


class RefusalsCount(Reference):
    """A refusal counts for the limit, so that an impatient client never gets in again."""

    kills = "P07"

    def counts(self, status: int) -> bool:
        del status
        return True


class SilentAdmissions(Reference):
    """An admitted answer does not say what is left of the limit."""

    kills = "P07"

    def render_admitted(self, *asked: Any) -> Answer:  # noqa: ANN401 - the driver's own
        return with_field(super().render_admitted(*asked), "ratelimit", None)


class SilentNotModified(Reference):
    """A 304 does not say what is left of the limit."""

    kills = "P07"

    def render_admitted(self, *asked: Any) -> Answer:  # noqa: ANN401 - the driver's own
        answer = super().render_admitted(*asked)
        return with_field(answer, "ratelimit", None) if answer.status == 304 else answer


class StaleRemainder(Reference):
    """What is left of the limit is told as before this request."""

    kills = "P07"

    def decide(self, instance: int, ask: Ask) -> Decision:
        decision = super().decide(instance, ask)
        return replace(decision, remaining=decision.remaining + decision.admitted)


class NearestRetryAfter(_RetryAfter):
    """Retry-After is rounded to the nearest second, so that every second one comes too early."""

    kills = "P07"

    def said(self, decision: Decision) -> str:
        return str(max(1, round(decision.reset_us / 1_000_000)))


class RetryAfterShort(_RetryAfter):
    """Retry-After is cut to milliseconds before it is rounded up, and so is a second short at whole ones."""

    kills = "P07"

    def said(self, decision: Decision) -> str:
        return str(max(1, -(-(decision.reset_us - 1_000) // 1_000_000)))


class WindowRoundedDown(Reference):
    """RateLimit-Policy tells the window rounded down."""

    kills = "P07"

    def limited(self, *asked: Any) -> Answer:  # noqa: ANN401 - the driver's own
        answer = super().limited(*asked)
        told = dict(answer.headers).get("ratelimit-policy", "")
        return with_field(answer, "ratelimit-policy", told.replace(";w=3", ";w=2"))


class ResetInMilliseconds(Reference):
    """RateLimit tells `t` in milliseconds."""

    kills = "P07"

    def limited(self, *asked: Any) -> Answer:  # noqa: ANN401 - the driver's own
        answer = super().limited(*asked)
        left, _, seconds = dict(answer.headers).get("ratelimit", "").partition(";t=")
        return with_field(answer, "ratelimit", f"{left};t={seconds}000")


class NamelessProblem(Reference):
    """The problem's title and detail are empty."""

    kills = "P07"

    def render_refusal(self, identity: Identity, policy: Policy, decision: Decision, trace_id: str) -> Answer:
        answer = super().render_refusal(identity, policy, decision, trace_id)
        return replace(answer, body=json.dumps({**json.loads(answer.body), "title": "", "detail": ""}).encode())


class ServicesUntold(Reference):
    """A service is not told where it stands with its limit."""

    kills = "P07"

    def limited(self, *asked: Any) -> Answer:  # noqa: ANN401 - the driver's own
        answer = super().limited(*asked)
        return with_field(answer, "ratelimit", None) if asked[4].kind == "service" else answer


MUTANTS = [
    NoRetryAfter,
    ZeroRetryAfter,
    FractionalRetryAfter,
    EarlyRetryAfter,
    HtmlRefusal,
    RefusalsCount,
    SilentAdmissions,
    SilentNotModified,
    StaleRemainder,
    NearestRetryAfter,
    RetryAfterShort,
    WindowRoundedDown,
    ResetInMilliseconds,
    NamelessProblem,
    ServicesUntold,
]
