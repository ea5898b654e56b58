"""Requests that Schemathesis draws from the document, for one caller: every phase, every operation that he may ask."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from gatespec.contract.answers import Answer, load_examiner
from gatespec.contract.checks import DRAWN, OF_RESOURCES, is_finding
from gatespec.contract.findings import Finding
from gatespec.errors import unable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatespec.contract.callers import Caller
    from gatespec.contract.document import ContractDocument
    from gatespec.contract.findings import Asked
    from gatespec.contract.known_values import KnownValues

REPLAYS: Final = 5
ANSWER_S: Final = 10.0
REPLAYED: Final = "idempotency-replayed"
WORDS: Final = {"authorization": "Bearer $TOKEN", "x-api-key": "$KEY"}
"""What a report says in place of credentials."""
LEFT_OUT: Final = frozenset({
    "user-agent", "accept-encoding", "accept", "connection", "content-length", "x-schemathesis-testcaseid",
    "x-forwarded-for",
})  # fmt: skip # a word a line would be a page


@dataclass(frozen=True)
class Drawing:
    """How much is drawn, and for whom."""

    document: ContractDocument
    base_url: str
    asked: Mapping[str, Asked]
    """By the operation's label."""
    known: KnownValues
    examples: int
    seed: int
    heard: Callable[[Mapping[str, str], bytes], None]
    watch: Callable[[int], None]
    masked: Callable[[str], str]
    """Puts words in place of secrets."""

    def draw(self, caller: Caller) -> int:
        """Ask, and note what came; return how many cases there were."""
        cases = 0
        for event in from_schema(self._schema(caller)).execute():
            if isinstance(event, events.ScenarioFinished):
                for told in self._told(event.recorder, caller):
                    cases += told
                self.watch(cases)
            elif isinstance(event, events.FatalError):
                raise unable("contract-undrawable", f"Schemathesis failed: {event.exception}")
        return cases

    def _schema(self, caller: Caller) -> Any:  # noqa: ANN401 - Schemathesis' own
        config = SchemathesisConfig.from_dict(
            {
                "seed": self.seed,
                "base-url": self.base_url,
                "headers": dict(caller.identity.headers),
                "request-timeout": ANSWER_S,
                "continue-on-failure": True,
                "warnings": False,
                "generation": {
                    "max-examples": self.examples,
                    "deterministic": True,
                    "database": "none",
                    "with-security-parameters": False,
                },
            }
        )
        schema = schemathesis.openapi.from_dict(self._allowed(caller), config=config)
        self.known.offer_to(schema, dict(caller.identity.headers))
        return schema

    def _allowed(self, caller: Caller) -> dict[str, Any]:
        """The document with the operations alone that he may ask: the others are asked by the matrix."""
        whole = self.document.bundled(self.base_url)
        wanted = [each for each in self.document.operations if each.label in self.asked and caller.may_ask(each)]
        allowed = {(each.path, each.method.lower()) for each in wanted}
        paths = {
            path: {name: about for name, about in item.items() if (path, name) in allowed or name == "parameters"}
            for path, item in whole["paths"].items()
        }
        return {**whole, "paths": {path: item for path, item in paths.items() if item}}

    def _told(self, recorder: Any, caller: Caller) -> Iterator[int]:  # noqa: ANN401 - Schemathesis' own
        """Take in one scenario; yield 1 for each answer."""
        undecided = OF_RESOURCES if _was_replayed(recorder) else frozenset()
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is None:
                continue
            answered = Answered.of(interaction, caller)
            self.heard(answered.answer.headers, answered.answer.body or b"")
            asked = self._asked(answered.answer)
            if asked is None:
                continue
            asked.statuses[answered.answer.status] += 1
            checks = [each for each in recorder.checks.get(case_id, ()) if each.name not in undecided]
            for check, what in answered.wrong(checks, asked):
                asked.found(answered.finding(check, what, self.masked))
            yield 1

    def _asked(self, answer: Answer) -> Asked | None:
        operation = load_examiner().operation(answer.method, answer.path)
        return self.asked.get(operation.label) if operation else None


def _was_replayed(recorder: Any) -> bool:  # noqa: ANN401 - Schemathesis' own
    """Whether some answer was a repetition: what it says was made may be gone since."""
    heard = (each.response.headers for each in recorder.interactions.values() if each.response is not None)
    return any(REPLAYED in {name.lower() for name in headers} for headers in heard)


@dataclass(frozen=True)
class Answered:
    """A request that was drawn, and its answer."""

    answer: Answer
    request: Any
    caller: Caller

    @classmethod
    def of(cls, interaction: Any, caller: Caller) -> Answered:  # noqa: ANN401 - Schemathesis' own
        """Read what Schemathesis recorded."""
        request, response = interaction.request, interaction.response
        parts = urlsplit(request.uri)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
        return cls(Answer(request.method, path, response.status_code, headers, response.content), request, caller)

    @property
    def code(self) -> str:
        """Of the problem that it was answered; empty where it is none."""
        try:
            said = json.loads(self.answer.body or b"")
        except ValueError:
            return ""
        return str(said.get("code", "")) if isinstance(said, dict) else ""

    def wrong(self, checks: Any, asked: Asked) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - Schemathesis' own
        """What Schemathesis found, as far as our document agrees, and what our own look finds."""
        further = bool(asked.operation.further_rules)
        for check in checks:
            if check.failure_info is None:
                continue
            if check.name not in DRAWN:
                raise unable("contract-check-unknown", f"Schemathesis has a check {check.name!r} that is on no list")
            title = " ".join(check.failure_info.failure.title.split())
            if is_finding(check.name, title, self.answer.status, self.code, further_rules=further):
                yield check.name, title
        for violation in load_examiner().examine(self.answer):
            yield (
                violation.check,
                f"{violation.status}{violation.pointer and f' at {violation.pointer}'}: {violation.what}",
            )

    def finding(self, check: str, what: str, masked: Callable[[str], str]) -> Finding:
        """With the request, asked again some times."""
        found = Finding(check, self.caller.role, masked(what), masked(self.curl()))
        again = sum(self._same_again() for _ in range(REPLAYS))
        return replace(found, reproduced=again, replays=REPLAYS)

    def _same_again(self) -> bool:
        headers = {name: values[0] for name, values in self.request.headers.items()}
        body = self.request.body
        try:
            answer = requests.request(
                self.request.method,
                self.request.uri,
                headers=headers,
                data=body,
                timeout=ANSWER_S,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
        return answer.status_code == self.answer.status

    def curl(self) -> str:
        """The request as a shell line, with words in place of credentials."""
        words = ["curl", "-si", "-X", self.request.method]
        for name, values in self.request.headers.items():
            if name.lower() not in LEFT_OUT:
                words += [
                    "-H",
                    f'"{name}: {WORDS[name.lower()]}"'
                    if name.lower() in WORDS
                    else shlex.quote(f"{name}: {values[0]}"),
                ]
        if self.request.body:
            words += ["--data-raw", shlex.quote(self.request.body.decode("utf-8", "replace"))]
        return f'{" ".join(words)} "$GATEWAY_0"{shlex.quote(self.answer.path)}  # as {self.caller.role}'
