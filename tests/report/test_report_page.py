from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from gatespec.report.page import REQUESTS_SHOWN_MAX, page_html
from gatespec.verdict import Run

if TYPE_CHECKING:
    from gatespec.verdict import Judgement

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """The page as a browser sees it: texts by element, and everything that could act or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str]]] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs})
        self.seen.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        where = tuple(f"{tag}.{a}" if (a := attrs.get("class", "")) else tag for tag, attrs in self.open)
        self.texts.append((where, data))

    def text_of(self, element: str) -> str:
        found = [text for where, text in self.texts if any(element == part for part in where)]
        return " ".join("".join(found).split())

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attrs[name] for seen, attrs in self.seen if seen == tag and name in attrs]


@pytest.fixture
def page(run: Run) -> Page:
    return Page(page_html(run))


def test_the_verdict_comes_first_and_names_what_is_broken(page: Page) -> None:
    assert "broken" in page.text_of("h1")
    assert page.text_of("p.headline") == "The target breaks P08. 3 properties judged, 1 holds."
    first = next(n for n, (where, _) in enumerate(page.texts) if "h1" in where)
    assert not any("details" in part for where, _ in page.texts[:first] for part in where)


def test_every_element_is_closed_by_its_own_tag(page: Page) -> None:
    assert page.open == []


def test_strangers_text_is_only_ever_text(page: Page) -> None:
    everything = "".join(text for _, text in page.texts)
    assert "<script>alert('x')</script>\"&amp;]]>-->" in everything
    assert len([tag for tag, _ in page.seen if tag == "script"]) == 1
    assert "alert" not in page.text_of("script")
    assert "{{ 7 * 7 }}" in everything


def test_no_control_character_reaches_the_page(run: Run) -> None:
    html = page_html(run)
    assert [c for c in html if not c.isprintable() and c != "\n"] == []
    assert r"\x1b[31m\x00\x85\u202e\ud800" in html


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    sources = [value for tag, attrs in page.seen for name, value in attrs.items() if name in {"src", "action", "data"}]
    assert sources == []
    assert all(href.startswith(("#", "data:")) for tag in ("a", "link") for href in page.attributes(tag, "href"))
    assert "url(" not in page.text_of("style")


def test_the_policy_lets_only_our_own_style_and_script_run(run: Run) -> None:
    html = page_html(run)
    policy = next(value for value in Page(html).attributes("meta", "content") if value.startswith("default-src 'none'"))
    for element in ("style", "script"):
        source = re.search(f"<{element}>(.*?)</{element}>", html, re.DOTALL)
        assert source is not None
        digest = base64.b64encode(hashlib.sha256(source[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


def test_an_entry_tells_all_that_its_verdict_rests_on(page: Page) -> None:
    entry = page.text_of("details.entry holds")
    for said in ("1.1", "component, pure", "300 291 distinct", "2,410", "97 %", "1 min 32 s", "1 min 1 s", "3 ms"):
        assert said in entry, said
    assert "refused seen 1,211 times" in entry
    assert "burst-across-edge seen once" in entry


def test_a_missing_mark_is_shown_as_missing(page: Page) -> None:
    assert page.text_of("li.missing") == "✗ waited-out missing"


def test_a_failure_is_told_whole(page: Page) -> None:
    entry = page.text_of("section.failure")
    assert "6 admissions within 300 ms, where 5 are permitted" in entry
    assert "Reproduced 4/5" in entry
    assert page.text_of("ol.story").startswith("asks(count=5) waits(duration_ms=299)")
    assert page.text_of("p.answer guilty").startswith("200 <- 6 admissions")
    beside = page.text_of("div.pair")
    assert beside.index("8000/a") < beside.index("200, permitted: admitted") < beside.index("8000/<script>")
    assert """gatespec verify --only P08 --tier wire --replay '[["asks",{"count":5}]]'""" in entry


def test_what_happened_meanwhile_is_told_line_by_line(run: Run, page: Page) -> None:
    assert "Meanwhile 20-22 ms Redis: hanging 240- ms call 1 of <script>" in page.text_of("section.failure")
    html = page_html(replace(run, judgements=run.judgements[:1]))
    assert "Meanwhile" not in html


def test_what_needs_a_reader_is_open_and_what_holds_is_not(page: Page) -> None:
    entries = [attrs for tag, attrs in page.seen if tag == "details"]
    assert len(entries) == 8
    assert {attrs["data-verdict"] for attrs in entries if "open" not in attrs} == {"holds"}


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.attributes("a", "href")} <= set(ids)


def test_entries_are_numbered_by_property_and_tier(page: Page) -> None:
    numbers = [text for where, text in page.texts if "span.number" in where]
    assert numbers == ["1.1", "2.1", "3.1", "3.2", "4.1", "5.1", "6.1", "7.1"]


def test_services_say_which_version_really_ran(page: Page) -> None:
    assert "Redis API Valkey 9.1.2" in " ".join(text.strip() for _, text in page.texts if text.strip())


def test_the_matrix_shows_each_requirement_with_its_state(page: Page) -> None:
    matrix = page.text_of("table.matrix")
    assert "R4.3" in matrix
    assert "P08, P03" in matrix
    assert [attrs["data-state"] for tag, attrs in page.seen if "data-state" in attrs] == ["covered", "planned"]
    assert "with P14" in matrix


def test_a_story_of_thousands_of_requests_stays_readable(run: Run, broken: Judgement) -> None:
    assert broken.failure is not None
    long = replace(broken.failure, requests=("curl x",) * 5_000, answers=("200",) * 5_000)
    html = page_html(replace(run, judgements=(replace(broken, failure=long),)))
    assert html.count("curl x") == REQUESTS_SHOWN_MAX
    assert "The other 4800 requests are in report.json." in html


def test_a_run_of_nothing_says_so() -> None:
    page = Page(page_html(Run("t", "conformance", None, "now", 0, "gatespec verify", (), ())))
    assert "not run" in page.text_of("h1")
    assert page.text_of("p.headline") == "Nothing was judged."
    assert "none: derandomised" in page.text_of("main")


def test_what_the_specification_quotes_stands_as_code_and_nothing_else_does(run: Run) -> None:
    assert "<code>RateLimit</code> and <code>&lt;b&gt;</code> &lt;i&gt;" in page_html(run)
