"""Mistakes of a read path that says what it reads with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import Asked, Upstream
    from tests.engine.little_parts import Part


class InAHeader(LittleReads):
    """Every answer says in a header with which credential it was read."""

    kills = "P19"

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        read = next((each.credential["api_key"] for name, each in self.declared.items() if name in asked.path), "")
        super().say(asked, status, body, **fields, x_read_with=read)


class TheProvidersWords(LittleReads):
    """A warning quotes what the provider said, and the provider said what it was sent."""

    kills = "P19"

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.words: dict[str, str] = {}

    def heard(self, name: str, met: Upstream) -> int | None:
        self.words[name] = met.body.decode("latin-1")
        return super().heard(name, met)

    def warning(self, name: str, part: Part) -> dict[str, Any]:
        return {**super().warning(name, part), "detail": self.words.get(name, "")}

    def nothing_known(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        self.say(asked, 503, {"detail": [self.words.get(name, "") for name in parts]}, retry_after="1")


MUTANTS = (InAHeader, TheProvidersWords)
