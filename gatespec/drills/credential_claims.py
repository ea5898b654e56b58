"""With whose credential providers are called while Vault is away, or while one is exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.calls import OK, Times, allowance_ms
from gatespec.checkers.credentials import judge_credentials
from gatespec.checkers.findings import Breach
from gatespec.checkers.vault import FIRST, VaultTimes
from gatespec.drills.phases import windows_of

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


def credentials_are_vaults(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """Every call comes with a credential that Vault held within one refresh; refused, with the newest (P18)."""
    yield from judge_credentials(example, 0).breaches


def old_credential_refused(example: Example) -> int:
    """How often a provider answered 401 to what Vault had held first."""
    return sum(call.outcome == "unauthorized" and call.credential == FIRST for call in example.calls)


def new_credential_used(example: Example) -> int:
    """How often a provider answered to another one."""
    return sum(call.outcome == OK and call.credential not in {FIRST, ""} for call in example.calls)
