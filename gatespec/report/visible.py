"""Text of strangers, made safe to look at: a story may hold escape sequences, nulls and lone surrogates."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""Show every character that is not printable as its escape (`\x1b`, `\u202e`); keep newline and tab.

    No result can steer a terminal, turn the reading direction around, or be refused by an XML parser.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def visible_line(text: str) -> str:
    r"""As `visible`, on one line: newline and tab become `\n` and `\t`, so that no text can forge a line of its own."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
