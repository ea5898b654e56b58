"""From what is shown of each provider to what an answer says: warnings, the tiers, or that nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reference_gateway.core.cache.shown import least_fresh
from reference_gateway.core.cache.status import Step, cache_status
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference_gateway.core.cache.shown import Shown

PROVIDERS_RETRY_S = 1
NO_CREDENTIAL = "no-credential"

Outcome = Literal["hit", "miss", "stale"]


def warnings_of(shown: Sequence[Shown]) -> list[AnswerWarning]:
    """Say of every provider that is not shown as it is now, why, and of when it is."""
    return [
        AnswerWarning(code, each.provider, detail, None if each.entry is None else each.entry.as_of_ms)
        for each in shown
        for code, detail in _said_of(each)
    ]


UNSURE = "whether you have a credential of your own for it cannot be told now; this is what everybody sees"


def _said_of(shown: Shown) -> Iterator[tuple[str, str]]:
    if shown.code is not None:
        yield shown.code, shown.detail
    if shown.unsure and shown.code != NO_CREDENTIAL:
        yield NO_CREDENTIAL, UNSURE


NOTHING_KNOWN = "none of the providers asked has answered, and no earlier list of theirs is known"


def nothing_known(shown: Sequence[Shown], detail: str = NOTHING_KNOWN) -> Problem | None:
    """Return the problem of an answer that has nothing to show, although some provider was asked."""
    if not shown or any(each.entry is not None for each in shown):
        return None
    if any(each.timed_out for each in shown):
        return Problem("providers-timeout", detail)
    return Problem("providers-unavailable", detail, retry_after_s=PROVIDERS_RETRY_S)


def status_of(shown: Sequence[Shown]) -> str:
    """Write Cache-Status: of several providers that of the least fresh."""
    return cache_status(least_fresh(shown).steps if shown else (Step("l2"),))


def outcome_of(shown: Sequence[Shown]) -> Outcome:
    """Tell logs and metrics whether a provider had to be waited for, or something stale was shown."""
    if any(each.state == "stale" for each in shown):
        return "stale"
    return "hit" if shown and all(each.steps[0].ttl_ms is not None for each in shown) else "miss"
