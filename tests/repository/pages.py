"""What pages for people hold that a machine can check: links, blocks of code, commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SHELL = {"sh", "yaml"}
CALL = re.compile(r"(?:^|[\s`&;])((?:uv run (?:--\S+ )*)?gatespec(?: .*)?)$")


@dataclass(frozen=True)
class Page:
    """A Markdown file, read once."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return BLOCK.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        """Its blocks of code in these languages."""
        return [body for language, body in BLOCK.findall(self.text) if language in languages]

    def links(self) -> list[str]:
        """Where its links lead, those of other machines left out."""
        found = LINK.findall(INLINE.sub("", self.prose))
        return [link for link in found if not re.match(r"[a-z]+:", link)]

    def anchors(self) -> set[str]:
        """Its headings as links name them: lower case, words joined by hyphens, no punctuation."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(self.prose)}


def read(path: Path) -> Page:
    """Read a page."""
    return Page(path, path.read_text(encoding="utf-8"))


def dead_links(page: Page) -> list[str]:
    """Relative links that lead nowhere: no such file, or no such heading in it."""
    return [link for link in page.links() if not _leads_somewhere(page, link)]


def _leads_somewhere(page: Page, link: str) -> bool:
    name, _, anchor = link.partition("#")
    path = page.path.parent / name if name else page.path
    return path.exists() and (not anchor or anchor in read(path).anchors())


def shell_lines(page: Page) -> Iterator[list[str]]:
    """Every line of its shell blocks, as words, comments left out."""
    for block in page.blocks("sh"):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def commands(page: Page) -> Iterator[list[str]]:
    """Every call of `gatespec` on the page, in blocks and inline, as the words after its name."""
    for block in page.blocks(*SHELL):
        for line in block.splitlines():
            yield from _call(line)
    for span in INLINE.findall(page.prose):
        if span.startswith(("gatespec ", "uv run gatespec ")):
            yield from _call(span)


def _call(line: str) -> Iterator[list[str]]:
    if found := CALL.search(line.split(" #", maxsplit=1)[0].rstrip()):
        words = shlex.split(found[1])
        yield words[words.index("gatespec") + 1 :]


def make_targets(page: Page) -> set[str]:
    """Every target of make that the page names."""
    called = re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", page.text, re.MULTILINE)
    return set(called)


def modules(page: Page) -> set[str]:
    """Every module that the page runs with `python -m`."""
    return set(re.findall(r"python -m ([a-z_.]+)", page.text))
