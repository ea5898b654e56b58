"""Mistakes about what a window is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance import Reference
from reference_gateway.core.window import Decision

if TYPE_CHECKING:
    from reference_gateway.core.limiter import Ask


class _Buckets(Reference):
    """Counts admissions per bucket of a window's length, as cheap limiters do."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(**given)
        self.buckets: Counter[tuple[str, int]] = Counter()

    def used(self, ask: Ask, now_us: int) -> float:
        raise NotImplementedError

    def decide(self, instance: int, ask: Ask) -> Decision:
        now_us = self.now_us(instance)
        left = int(ask.limit - self.used(ask, now_us))
        reset_us = ask.window_us - now_us % ask.window_us
        if left <= 0:
            return Decision(admitted=False, remaining=0, reset_us=reset_us)
        self.buckets[ask.key, now_us // ask.window_us] += 1
        return Decision(admitted=True, remaining=left - 1, reset_us=reset_us)


class FixedBuckets(_Buckets):
    """Each window of the clock starts with a full limit, so twice the limit fits around its edge."""

    kills = "P08"

    def used(self, ask: Ask, now_us: int) -> float:
        return self.buckets[ask.key, now_us // ask.window_us]


class TwoBuckets(_Buckets):
    """The window is estimated from two buckets, as if the earlier one's admissions had come evenly."""

    kills = "P08"

    def used(self, ask: Ask, now_us: int) -> float:
        bucket = now_us // ask.window_us
        still_inside = 1 - now_us % ask.window_us / ask.window_us
        return self.buckets[ask.key, bucket] + self.buckets[ask.key, bucket - 1] * still_inside


class OwnClock(Reference):
    """The window is that of the instance's own clock, which is not the others'."""

    kills = "P08"

    def now_us(self, instance: int) -> int:
        return super().now_us(instance) + self.skew_ms[instance] * 1000


class ClosedWindow(Reference):
    """An admission still counts at the moment when it leaves the window."""

    kills = "P08"

    def decide(self, instance: int, ask: Ask) -> Decision:
        return super().decide(instance, type(ask)(ask.key, ask.limit, ask.window_us + 1))


class OpenWindow(Reference):
    """An admission is forgotten a millisecond before it leaves the window."""

    kills = "P08"

    def decide(self, instance: int, ask: Ask) -> Decision:
        return super().decide(instance, type(ask)(ask.key, ask.limit, ask.window_us - 1000))


class WholeSeconds(Reference):
    """Time is counted in whole seconds."""

    kills = "P08"

    def now_us(self, instance: int) -> int:
        return super().now_us(instance) // 1_000_000 * 1_000_000


class WindowOfWholeSeconds(Reference):
    """A window is as many whole seconds as fit."""

    kills = "P08"

    def decide(self, instance: int, ask: Ask) -> Decision:
        return super().decide(instance, type(ask)(ask.key, ask.limit, ask.window_us // 1_000_000 * 1_000_000))


class NewDay(Reference):
    """All windows are emptied at midnight."""

    kills = "P08"
    day_us = 86_400_000_000

    def decide(self, instance: int, ask: Ask) -> Decision:
        day = self.now_us(instance) // self.day_us
        return super().decide(instance, type(ask)(f"{ask.key}:{day}", ask.limit, ask.window_us))


class AnonymousInBuckets(FixedBuckets):
    """Only those without a credential are counted in buckets."""

    kills = "P08"

    def decide(self, instance: int, ask: Ask) -> Decision:
        return super().decide(instance, ask) if ask.key.startswith("rl:ip") else Reference.decide(self, instance, ask)


MUTANTS = [
    FixedBuckets,
    TwoBuckets,
    OwnClock,
    ClosedWindow,
    OpenWindow,
    WholeSeconds,
    WindowOfWholeSeconds,
    NewDay,
    AnonymousInBuckets,
]
