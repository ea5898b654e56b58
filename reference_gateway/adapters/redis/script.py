"""The window script's arguments and answers, without a connection: its callers are async, in pipelines, or sync."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.window import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reference_gateway.core.limiter import Ask

SOURCE = Path(__file__).with_name("window.lua").read_text(encoding="ascii")
SHA = hashlib.sha1(SOURCE.encode("ascii"), usedforsecurity=False).hexdigest()
KEEP_MS = 2
"""Beyond its window a key lives this long: expiry counts whole milliseconds, scores are finer."""
ASKS_MAX = 1000
"""Asks of one call: the script unpacks two values each onto Lua's stack, which ends at 8000."""

Call = tuple[bytes | int, ...]


class Late(StoreAway):
    """The script ran when nobody was waiting any more, and counted nothing; `now_us` is the server's clock."""

    def __init__(self, now_us: int) -> None:
        super().__init__("the server decided too late")
        self.now_us = now_us


def arguments(asked: Mapping[Ask, int], *, now_us: int | None = None, last_us: int = 0, keep_ms: int = KEEP_MS) -> Call:
    """Build what follows EVALSHA: the number of keys, the keys, the rest; `asked` says how often each ask was put.

    `now_us` None lets the server's own clock decide, so the clocks of instances never matter; after `last_us` of that
    clock (0: never) nothing is decided.
    """
    keys = [ask.key.encode("utf-8", "surrogatepass") for ask in asked]
    # One argument for all the numbers: redis-py takes a microsecond for each argument, Lua less to split them.
    numbers = " ".join([f"{ask.limit} {ask.window_us} {times}" for ask, times in asked.items()]).encode("ascii")
    return (len(keys), *keys, b"" if now_us is None else now_us, last_us, keep_ms, numbers)


def decisions(reply: bytes, asked: Mapping[Ask, int]) -> tuple[int, dict[Ask, Iterator[Decision]]]:
    """Read an answer: the server's clock in microseconds, and per ask its decisions in turn; raises `Late`."""
    now_us, *numbers = map(int, reply.split())
    if asked and not numbers:
        raise Late(now_us)
    triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return now_us, {ask: _in_turn(times, *triple) for (ask, times), triple in zip(asked.items(), triples, strict=True)}


def _in_turn(times: int, admitted: int, free: int, reset_us: int) -> Iterator[Decision]:
    for after in range(admitted - 1, -1, -1):
        yield Decision(admitted=True, remaining=free + after, reset_us=reset_us)
    refusal = Decision(admitted=False, remaining=0, reset_us=reset_us)
    for _ in range(times - admitted):
        yield refusal


def in_order(asks: Sequence[Ask], turns: Mapping[Ask, Iterator[Decision]]) -> list[Decision]:
    """Give each ask its own decision."""
    return [next(turns[ask]) for ask in asks]
