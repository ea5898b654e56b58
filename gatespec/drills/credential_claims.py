"""With whose credential providers are called while Vault is away, or while one is exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.calls import OK, Times, allowance_ms
from gatespec.checkers.findings import Breach
from gatespec.checkers.vault import FIRST, VaultRecord, VaultTimes
from gatespec.drills.phases import windows_of
from gatespec.read_ports import HOUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.history import Example


def credentials_end(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Past the life of what was last read from Vault a provider gets no call until Vault is back."""
    keep_ms, slack = VaultTimes.of(example).keep_ms, allowance_ms(example)
    for window in windows_of(example):
        over = window.sure_ms + keep_ms + slack
        for call in example.calls:
            if over < call.began_ms < window.healing_ms - slack:
                after = call.began_ms - window.sure_ms
                yield Breach(f"{call.provider} was called {after} ms after Vault had gone: {keep_ms} ms are allowed", 0)
                return


def credentials_serve_meanwhile(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Until then the last read ones serve: every provider asked is called."""
    keep_ms, refresh = VaultTimes.of(example).keep_ms, VaultTimes.of(example).refresh_ms
    ttl = Times.of(example.context.settings).ttl_ms
    for window in windows_of(example):
        end = min(window.healing_ms, window.sure_ms + keep_ms - refresh)
        if end - window.sure_ms < 2 * ttl:
            continue
        if not any(window.sure_ms < call.began_ms < end for call in example.calls):
            yield Breach("no provider was called while the last read credentials had to serve", 0)


def a_rotated_credential_is_used(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """One refresh after Vault has a new credential no provider is called with the old one any more."""
    vault, last = VaultRecord(example), len(example.exchanges) - 1
    for call in example.calls:
        permitted = vault.permitted(call.provider, HOUSE, call.began_ms - vault.slack_ms, call.began_ms)
        if call.credential not in permitted:
            due = ", ".join(sorted(filter(None, permitted))) or "none"
            yield Breach(f"{call.provider} was called with {call.credential or 'no credential'}: {due} was due", last)


def old_credential_refused(example: Example) -> int:
    """How often a provider answered 401 to what Vault had held first, while that was being exchanged."""
    refused = [c for c in example.calls if c.outcome == "unauthorized" and c.credential == FIRST]
    return sum(w.from_ms <= call.began_ms < w.healing_ms for w in windows_of(example) for call in refused)


def new_credential_used(example: Example) -> int:
    """How often a provider answered to another one."""
    return sum(call.outcome == OK and call.credential not in {FIRST, ""} for call in example.calls)
