"""Pages for people say what is so: links lead somewhere, commands exist, decisions say why."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from gatespec.cli.app import app
from tests.repository.checkout import ROOT, files
from tests.repository.pages import Page, commands, dead_links, make_targets, modules, read, shell_lines

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [read(path) for path in files(ROOT, ".md") if path.relative_to(ROOT).parts[0] != "changes"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
SECTIONS = ["Context", "Decision", "Consequences"]
DECISION_LINES_MAX = 60
README_LINES_MAX = 80
GLOBAL_OPTIONS = {"--help", "--version", "--debug"}


def wrong_command(words: list[str]) -> str | None:
    """Why `gatespec` would not understand these words; None where it would. Values may be placeholders."""
    program: Any = get_command(app)
    context = program.make_context("gatespec", [], resilient_parsing=True)
    if not words or words[0] in GLOBAL_OPTIONS:
        return None
    command = program.get_command(context, words[0])
    if command is None:
        return f"there is no command {words[0]!r}"
    known = GLOBAL_OPTIONS.union(*(parameter.opts for parameter in command.params))
    unknown = [word for word in words[1:] if word.startswith("--") and word.split("=")[0] not in known]
    return f"{words[0]} has no option {unknown[0]}" if unknown else None


def name(page: Page) -> str:
    return str(page.path.relative_to(ROOT))


def test_the_pages_are_found_and_hold_what_is_checked() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/README.md", "docs/guides/target-file.md"} <= set(map(name, PAGES))
    assert sum(len(page.links()) for page in PAGES) > 50
    assert sum(len(list(commands(page))) for page in PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_relative_link_leads_somewhere(page: Page) -> None:
    assert dead_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_command_exists_with_its_options(page: Page) -> None:
    assert [(words, why) for words in commands(page) if (why := wrong_command(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_shell_block_can_be_read_by_a_shell(page: Page) -> None:
    list(shell_lines(page))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_make_target_and_module_exists(page: Page) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert make_targets(page) <= targets
    assert [module for module in modules(page) if importlib.util.find_spec(module) is None] == []


def test_what_does_not_exist_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, and more\n")
    path = tmp_path / "page.md"
    path.write_text(
        "[gone](gone.md) [there](there.md) [no part](there.md#nothing) [part](there.md#a-heading-and-more)\n"
        "`gatespec judg out` `uv run gatespec verify --tiers wire` `gatespec explain P08`\n"
        "```sh\nmake verfy   # a typo\nuv run python -m gatespec.nothing\nuv run gatespec up --prot 1 # words\n```\n"
    )
    page = read(path)
    assert dead_links(page) == ["gone.md", "there.md#nothing"]
    assert [wrong_command(words) for words in commands(page)] == [
        "up has no option --prot",
        "there is no command 'judg'",
        "verify has no option --tiers",
        None,
    ]
    assert make_targets(page) == {"verfy"}
    assert modules(page) == {"gatespec.nothing"}


def test_the_readme_is_one_screen_and_begins_with_its_two_commands() -> None:
    readme = read(ROOT / "README.md")
    assert len(readme.text.splitlines()) <= README_LINES_MAX
    assert [words[:2] for words in shell_lines(readme)][:2] == [["make", "verify"], ["make", "test"]]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.stem[:4]} - \S.*\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))
    assert len(text.splitlines()) <= DECISION_LINES_MAX


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    listed = [link for link in read(ROOT / "docs" / "decisions" / "README.md").links() if "/" not in link]
    assert listed == [path.name for path in DECISIONS]
