"""`pytest properties/`: every chapter as tests, one per tier and binding, with xdist if wanted.

The options are those of `gatespec verify`, with a prefix. Each worker has a stack of its own, started by its first test
and ended with the session.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.catalogue import Property
    from gatespec.engine.chapter import Chapter
    from gatespec.engine.court import Court
    from gatespec.ports import Binding, Tier
    from gatespec.verdict import Judgement

CHAPTERS = "p[0-9][0-9]_*.py"
DEFAULT_TARGET = "reference_gateway/gateway.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what `gatespec verify` offers."""
    group = parser.getgroup("gatespec", "judging a Provider API Gateway")
    group.addoption("--gatespec-target", default=DEFAULT_TARGET, help="target file or URL (%(default)s)")
    group.addoption("--gatespec-tier", default="component,wire", help="tiers to judge on (%(default)s)")
    group.addoption("--gatespec-examples", type=int, default=None, help="stories per property and tier")
    group.addoption("--gatespec-seed", type=int, default=None, help="explore with this seed")
    group.addoption("--runtime", default="native", help="native, containers or external (%(default)s)")
    group.addoption("--gatespec-out", default="out/pytest", help="folder for logs and history (%(default)s)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take chapters for tests."""
    if file_path.match(CHAPTERS) and file_path.parent.name == "properties":
        chapter: pytest.Collector = ChapterFile.from_parent(parent, path=file_path)
        return chapter
    return None


class ChapterFile(pytest.File):
    """One property."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the tiers that were asked for and that the property has."""
        from gatespec.catalogue import load_catalogue  # noqa: PLC0415 - pytest loads this plugin for every run
        from gatespec.engine.chapter import load_chapter  # noqa: PLC0415 - only where it is collected

        chapter = load_chapter(self.path)
        row = load_catalogue().property(chapter.property_id)
        for tier in self.config.getoption("--gatespec-tier").split(","):
            if tier in row.tiers:
                for binding in chapter.bindings(tier):
                    name = f"{row.id}[{tier}-{binding}]"
                    yield ChapterItem.from_parent(self, name=name, row=row, chapter=chapter, tier=tier, binding=binding)


class ChapterItem(pytest.Item):
    """One property on one tier and binding; it passes only where the property holds."""

    def __init__(
        self,
        *,
        row: Property,
        chapter: Chapter,
        tier: Tier,
        binding: Binding,
        **given: Any,  # noqa: ANN401 - pytest's
    ) -> None:
        super().__init__(**given)
        self._asked = row, chapter, tier, binding

    def runtest(self) -> None:
        """Judge it, on the session's court."""
        judgement = court_of(self.config).judge_one(*self._asked)
        self.add_report_section("call", "judgement", repr(judgement))
        if judgement.verdict != "holds":
            raise NotHeld(judgement)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:  # noqa: ANN401 - pytest's
        """Tell the story, not the traceback."""
        if isinstance(excinfo.value, NotHeld):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the chapter."""
        return self.path, 0, self.name


class NotHeld(Exception):  # noqa: N818 - it is a verdict
    """Any verdict but `holds`, as a person reads it."""

    def __init__(self, judgement: Judgement) -> None:
        lines = [f"{judgement.property_id} {judgement.title}: {judgement.verdict}", judgement.reason]
        if failure := judgement.failure:
            lines += ["", failure.statement, "", *failure.story, "", *failure.answers]
            lines += ["", *failure.meanwhile] if failure.meanwhile else []
            lines += ["", f"reproduced {failure.reproduced}/{failure.replays}; tell it again with", failure.replay]
        super().__init__("\n".join(lines))


_COURT = pytest.StashKey["Court"]()
_ENDS = pytest.StashKey[ExitStack]()


def court_of(config: pytest.Config) -> Court:
    """The session's court; its stack starts with the first test that needs it."""
    if _COURT not in config.stash:
        from gatespec.engine.court import open_court  # noqa: PLC0415 - as above

        config.stash[_ENDS] = ExitStack()
        config.stash[_COURT] = config.stash[_ENDS].enter_context(open_court(_plan(config)))
    return config.stash[_COURT]


def _plan(config: pytest.Config) -> Any:  # noqa: ANN401 - a VerifyPlan, which is not loaded yet
    from gatespec.engine.plan import VerifyPlan  # noqa: PLC0415 - as above
    from gatespec.stack.runtimes import runtime_named  # noqa: PLC0415 - as above
    from gatespec.target import load_target  # noqa: PLC0415 - only where it is asked for

    named = config.getoption("--gatespec-target")
    seed = config.getoption("--gatespec-seed")
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    return VerifyPlan(
        target=load_target(named),
        target_named="" if named == DEFAULT_TARGET else named,
        out=Path(config.getoption("--gatespec-out")) / worker,
        command="pytest properties/",
        examples=config.getoption("--gatespec-examples"),
        seed=seed,
        runtime=runtime_named(config.getoption("--runtime")),
        profile="conformance" if seed is None else "explore",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the stack."""
    if _ENDS in config.stash:
        config.stash[_ENDS].close()
