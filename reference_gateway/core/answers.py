"""From a decision to the bytes of an answer: one pipeline for the fast path and everything else."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from reference_gateway.core import problems
from reference_gateway.core.fields import rate_limit_fields, retry_after_s
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from reference_gateway.core.identity import Identity
    from reference_gateway.core.limiter import Policy
    from reference_gateway.core.window import Decision

Fields = tuple[tuple[str, str], ...]

_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; field names are in lower case."""

    status: int
    headers: Fields
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Entry:
    """Bytes made once, when they were cached, and sent many times."""

    body: bytes
    etag: str
    content_type: str = "application/json"


def entry(body: bytes, tagged: bytes | None = None) -> Entry:
    """Make ready bytes with a weak ETag over `tagged`, the body without its per-request fields (default: the body)."""
    digest = hashlib.sha256(body if tagged is None else tagged).hexdigest()[:32]
    return Entry(body, f'W/"{digest}"')


def admitted(  # noqa: PLR0913 - each is a part of the answer
    ready: Entry,
    if_none_match: str | None,
    policy: Policy,
    decision: Decision,
    trace_id: str,
    *,
    extra: Fields = (),
) -> Answer:
    """Send ready bytes to whoever was admitted, or 304 to a client that has them; `extra` is such as Cache-Status."""
    return conditional(ready, if_none_match, (*extra, *limited(policy, decision, trace_id)))


def conditional(ready: Entry, if_none_match: str | None, extra: Fields) -> Answer:
    """Send ready bytes to whoever does not have them."""
    fields = (("etag", ready.etag), *extra)
    if if_none_match is not None and matches(if_none_match, ready.etag):
        return Answer(HTTPStatus.NOT_MODIFIED, fields)
    return Answer(HTTPStatus.OK, (("content-type", ready.content_type), *fields), ready.body)


def refused(identity: Identity, policy: Policy, decision: Decision, trace_id: str) -> Answer:
    """Say 429, to whom, and when to come back."""
    wait_s = retry_after_s(decision)
    window_s = policy.window_us / 1_000_000
    detail = (
        f"{identity.kind} is on the plan {policy.plan}, which allows {policy.limit} requests in {window_s:g} s; "
        f"wait {wait_s} s"
    )
    return failed(Problem("rate-limited", detail, retry_after_s=wait_s), trace_id, limited(policy, decision, trace_id))


def failed(problem: Problem, trace_id: str, extra: Fields = ()) -> Answer:
    """Send a problem; `extra` holds the fields of the limit where the request was counted, `allow`, and the like."""
    fields: Fields = (("content-type", problems.CONTENT_TYPE), ("cache-control", "no-store"), *extra)
    if not any(name == "x-trace-id" for name, _ in extra):
        fields = (*fields, ("x-trace-id", trace_id))
    if problem.retry_after_s is not None:
        fields = (*fields, ("retry-after", str(problem.retry_after_s)))
    return Answer(problem.status, fields, problems.render(problem, trace_id))


def limited(policy: Policy, decision: Decision, trace_id: str) -> Fields:
    """Give the fields that every counted answer carries, whatever its status."""
    return (*rate_limit_fields(policy, decision).items(), ("x-trace-id", trace_id))


def matches(if_none_match: str, etag: str) -> bool:
    """Compare weakly (RFC 9110 section 13.1.2): the list holds the tag, or is `*`."""
    opaque = etag.removeprefix("W/")
    return if_none_match.strip() == "*" or opaque in _ENTITY_TAG.findall(if_none_match)
