"""What a limited answer says of the limit: RateLimit fields, `Retry-After`, and the body of a refusal."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import http_sf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.ports import Exchange

PROBLEM_TYPE = "application/problem+json"
WHOLE_SECONDS = re.compile(r"[1-9][0-9]{0,9}")
PROBLEM_MEMBERS = ("type", "title", "detail", "code", "trace_id")


def retry_after_s(exchange: Exchange) -> int | None:
    """Seconds of a `Retry-After` in whole seconds, at least 1; None for any other."""
    text = exchange.headers.get("retry-after", "")
    return int(text) if WHOLE_SECONDS.fullmatch(text) else None


def says_when_to_come_back(exchange: Exchange) -> bool:
    """Whether a `Retry-After` can be followed: in whole seconds, at least 1, or, where no form is promised, a date."""
    return retry_after_s(exchange) is not None or _is_date(exchange.headers.get("retry-after", ""))


def _is_date(text: str) -> bool:
    try:
        return parsedate_to_datetime(text) is not None
    except ValueError:
        return False


def fault_in_refusal(exchange: Exchange) -> str | None:
    """What is wrong with the form of a 429, in one sentence; None where it is as promised."""
    if retry_after_s(exchange) is None:
        found = exchange.headers.get("retry-after")
        return f"Retry-After is {found!r}, not whole seconds of at least 1" if found else "Retry-After is missing"
    media_type = exchange.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != PROBLEM_TYPE:
        return f"the refusal's body is {media_type or 'of no type'}, not {PROBLEM_TYPE}"
    if exchange.request.method == "HEAD":
        return None  # its answers have no body (RFC 9110, 9.3.2)
    return _fault_in_problem(exchange.body, exchange.status)


def _fault_in_problem(body: bytes, status: int | None) -> str | None:
    try:
        problem: Any = json.loads(body)
    except ValueError:
        return "the refusal's body is not JSON"
    if not isinstance(problem, dict):
        return "the refusal's body is not a JSON object"
    missing = [name for name in PROBLEM_MEMBERS if not (isinstance(problem.get(name), str) and problem[name])]
    if missing:
        return f"the problem has no text member {', '.join(missing)}"
    if problem.get("status") != status:
        return f"the problem's status is {problem.get('status')!r}, the answer's {status}"
    return None


def fault_in_rate_limit(
    headers: Mapping[str, str], plan: str, *, limit: int, window_s: int, remaining: range
) -> str | None:
    """What is wrong with the RateLimit fields of a limited answer; `remaining` are the values permitted for `r`."""
    policy, fault = _member(headers, "ratelimit-policy", plan)
    left, other_fault = _member(headers, "ratelimit", plan)
    if policy is None or left is None:
        return fault or other_fault
    if (_whole(policy, "q"), _whole(policy, "w")) != (limit, window_s):
        return f'RateLimit-Policy is {headers["ratelimit-policy"]}, not "{plan}";q={limit};w={window_s}'
    rest, seconds = _whole(left, "r"), _whole(left, "t")
    if rest is None or seconds is None or seconds < 0:
        return f'RateLimit is {headers["ratelimit"]}, not of the form "{plan}";r=...;t=... in whole numbers'
    if seconds > window_s + 1:  # whatever it counts down to, all that was admitted has left by then; 1 for rounding
        return f"RateLimit says t={seconds}, but nothing stays in a window of {window_s} s for so many seconds"
    if rest not in remaining:
        return f"RateLimit says r={rest} where {_either(remaining)} was left"
    return None


def _member(headers: Mapping[str, str], name: str, plan: str) -> tuple[Mapping[str, Any] | None, str | None]:
    """The parameters of the plan's member of a structured list field, or what is wrong; other policies may stand by."""
    shown = {"ratelimit": "RateLimit", "ratelimit-policy": "RateLimit-Policy"}[name]
    if name not in headers:
        return None, f"{shown} is missing"
    try:
        members: Any = http_sf.parse(headers[name].encode("latin-1"), tltype="list")
    except (ValueError, UnicodeEncodeError):
        return None, f"{shown} is not a structured field: {headers[name]!r}"
    found = [parameters for named, parameters in members if type(named) is str and named == plan]
    if len(found) != 1:
        return None, f'{shown} does not hold one policy named "{plan}": {headers[name]!r}'
    return found[0], None


def _whole(parameters: Mapping[str, Any], name: str) -> int | None:
    value = parameters.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _either(values: range) -> str:
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"
