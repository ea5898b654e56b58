"""What is to be judged, and whoever wants to hear how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.ports import Binding, Tier
    from gatespec.stack.runtimes import Runtime
    from gatespec.target import Profile, Target
    from gatespec.verdict import Judgement

ProfileName = Literal["conformance", "explore"]


@dataclass(frozen=True)
class VerifyPlan:
    """One run of the judge, as asked for."""

    target: Target
    out: Path
    command: str
    """The line that repeats this run."""
    target_named: str = ""
    """The target as it was named on the command line; empty for the default."""
    only: tuple[str, ...] = ()
    """Property ids; empty for all that have a chapter."""
    tiers: tuple[Tier, ...] = ("component", "wire")
    examples: int | None = None
    """Stories per property and tier; None for the profile's own number."""
    seed: int | None = None
    profile: ProfileName = "conformance"
    replay: str | None = None
    """A story as JSON: it is told once instead of drawing any."""
    instances: int | None = None
    claim: Profile | None = None
    """Judge the properties of this capability profile alone."""
    binding: Binding | None = None
    """Judge on this binding alone."""
    runtime: Runtime = "native"
    """Where the servers of the stack run."""
    side_by_side: int = 1
    """Lanes judged at a time on the wire, each in a process of its own; 1: all in this one, one after the other."""


class Progress(Protocol):
    """Whoever watches a run, in which several properties may be under way."""

    def stage(self, text: str) -> None:
        """Something begins that takes a while."""

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """A property is about to be judged with so many stories."""

    def example(self, property_id: str, tier: str, binding: str, done: int) -> None:
        """One more story was told."""

    def finish(self, judgement: Judgement) -> None:
        """The property's verdict on this tier."""

    def again(self, judgement: Judgement) -> None:
        """What was in doubt beside others is left for now, and judged again with nobody beside it."""


class Silence:
    """A progress that nobody watches."""

    def stage(self, text: str) -> None:
        """Ignore it."""

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        """Ignore it."""

    def example(self, property_id: str, tier: str, binding: str, done: int) -> None:
        """Ignore it."""

    def finish(self, judgement: Judgement) -> None:
        """Ignore it."""

    def again(self, judgement: Judgement) -> None:
        """Ignore it."""
