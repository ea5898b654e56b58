"""The rate limit as a client reads it: `RateLimit`, `RateLimit-Policy` and `Retry-After`.

Source: draft-ietf-httpapi-ratelimit-headers, RFC 9110 section 10.2.3. Names are in lower case, as ASGI wants them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.limiter import MICROSECONDS

if TYPE_CHECKING:
    from reference_gateway.core.limiter import Policy
    from reference_gateway.core.window import Decision


def rate_limit_fields(policy: Policy, decision: Decision) -> dict[str, str]:
    """Say what the policy is (`"pro";q=100;w=1`) and where the client stands in it (`"pro";r=37;t=1`)."""
    window_s = whole_seconds(policy.window_us)
    reset_s = whole_seconds(decision.reset_us)
    return {
        "ratelimit-policy": f'"{policy.plan}";q={policy.limit};w={window_s}',
        "ratelimit": f'"{policy.plan}";r={decision.remaining};t={reset_s}',
    }


def retry_after_s(decision: Decision) -> int:
    """Whole seconds after which a client that sends nothing else is admitted."""
    return whole_seconds(decision.reset_us)


def whole_seconds(duration_us: int) -> int:
    """Round up: whoever waits the seconds we print has waited long enough. Never 0, which would mean 'at once'."""
    return max(1, -(-duration_us // MICROSECONDS))
