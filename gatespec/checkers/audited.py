"""What Vault's own audit log says of each credential: a call may only come with one that Vault was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

AUDIT, WATCHED, READ = "audit", "watched", " read"
"""Disturbances that only the log can tell: that it is looked at, and that a credential was read since it was put."""


def asked_for(example: Example) -> frozenset[tuple[str, str]] | None:
    """Provider and mark of every credential that Vault was asked for; None where nobody looked at its log."""
    told = [done for done in example.disturbances if done.what == AUDIT]
    if not any(done.how == WATCHED for done in told):
        return None
    return frozenset((done.whom, done.how.removesuffix(READ)) for done in told if done.how.endswith(READ))


def fault_in_source(asked: frozenset[tuple[str, str]] | None, call: UpstreamCall) -> str | None:
    """Say that a call's credential came from elsewhere, where it did."""
    if asked is None or not call.credential or (call.provider, call.credential) in asked:
        return None
    told = f"call {call.serial} of {call.provider} came with {call.credential}"
    return f"{told}, and Vault's audit log has no read of it since it was put there"
