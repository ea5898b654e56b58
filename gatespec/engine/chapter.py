"""Chapters: one property each, found by path, so that a wheel and a checkout judge with the same ones."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatespec.errors import unable
from gatespec.suites import properties_dir

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gatespec.checkers.findings import Findings
    from gatespec.engine.story import StoryMachine
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Binding, Tier
    from gatespec.read_ports import Shape


@dataclass(frozen=True)
class Needs:
    """What a chapter of the read path asks of its surroundings, beyond a gateway."""

    providers: int = 300
    """Plain simulated providers on the wire, so that every story reads some that were never read before."""
    shapes: tuple[tuple[Shape, int], ...] = ()
    """Others that are not plain, and how many of each."""
    each_adapter: int = 0
    """How many of every adapter that the target claims, plain ones among them, as `shape_of` declares them."""
    each_polled: int = 0
    """How many of those that are polled, instead: each takes sweeps all the time, lent or not."""
    instances: int = 2
    store_faults: bool = False
    """Whether Redis is made to fail: then it lies behind a fault proxy, on a lane of its own."""
    redis_replicas: int = 0
    """Of each master, where its Redis is a cluster: without any a lost node takes its slots along."""
    vault_token_s: int | None = None
    """Set where Vault is made to fail: it is the lane's own then, behind that proxy, and its logins last so long."""


@dataclass(frozen=True)
class Chapter:
    """What a property's file gives the engine."""

    property_id: str
    machine: type[StoryMachine]
    check: Callable[[Example, int], Findings]
    """Pure: judges those exchanges of a story whose place is at least the given one; the earlier ones still count."""
    witness: Callable[[Example], Counter[str]]
    """Pure: the evidence that a finished story saw, by mark."""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per tier, by the contract's names: shortened times and plans for a gateway that the judge starts."""
    examples: Mapping[str, int] = field(default_factory=lambda: {"component": 200, "wire": 60})
    """Stories per tier, where nobody asks for another number."""
    steps: int = 12
    """Steps of a story, at most."""
    told_first: Sequence[Story] = ()
    """Stories that every run tells before it draws any; they alone see every mark.

    So whether the evidence is there depends neither on the dice nor on how many stories somebody asks for.
    """
    needs: Needs | None = None
    """Set by chapters of the read path: their machines are given a `ReadGateway`."""
    on_cluster: int = 0
    """Stories drawn on the wire once more, with a Redis Cluster behind the gateway; 0 where one Redis shows it all."""

    @property
    def in_process(self) -> bool:
        """Whether it has stories for a gateway in process."""
        return "component" in self.examples

    def bindings(self, tier: Tier) -> tuple[Binding, ...]:
        """What it is judged on, each a judgement of its own."""
        if tier == "component":
            return ("pure", "redis")
        return ("http", "cluster") if tier == "wire" and self.on_cluster else ("http",)

    def drawn(self, tier: Tier, binding: Binding) -> int:
        """How many stories are drawn, where nobody asks for another number."""
        return (
            self.on_cluster if binding == "cluster" else self.examples["component" if tier == "component" else "wire"]
        )


def load_chapters(folder: Path | None = None) -> dict[str, Chapter]:
    """Load every `pNN_*.py`, by property id and in its order."""
    paths = sorted((folder or properties_dir()).glob("p[0-9][0-9]_*.py"))
    chapters = [load_chapter(path) for path in paths]
    return {chapter.property_id: chapter for chapter in chapters}


def load_chapter(path: Path) -> Chapter:
    """Load one chapter file; it must define `CHAPTER`."""
    name = f"gatespec_chapters.{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise unable("chapter-unreadable", f"{path} cannot be loaded as a chapter")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    chapter = getattr(sys.modules[name], "CHAPTER", None)
    if not isinstance(chapter, Chapter):
        raise unable("chapter-empty", f"{path} does not define CHAPTER", hint="see docs/guides/write-a-property.md")
    return chapter
