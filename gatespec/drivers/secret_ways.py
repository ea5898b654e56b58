"""What P19 does on the wire beyond reading: say secrets where they do not belong, have them issued, look for them."""

from __future__ import annotations

import json
import os
import secrets
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gatespec.checkers.secrecy import LEAK, SEARCHED
from gatespec.clock import until
from gatespec.ports import Identity, Request, Untestable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatespec.ports import Exchange
    from gatespec.stack.lane import Lane
    from gatespec.stack.lane_secrets import LaneSecrets

ISSUED: Final = {
    "access_token": "access-token",
    "refresh_token": "refresh-token",
    "api_key": "api-key",
    "secret": "secret",
}
"""Members of answers that issue secrets, and what each is."""
SHOWN: Final = "[issued]"
DIED_MS: Final = 10_000
"""How long a process may take to die of SIGABRT: it writes its last words."""


class SecretWays:
    """Words that stand for secrets: the record has the words, the wire has what they stand for."""

    def __init__(self, lane: Lane, ask: Callable[[Request], Exchange], did: Callable[[str, str, str], None]) -> None:
        if lane.secrets is None:
            raise Untestable("the gateway runs already: nothing of what it leaves behind is the judge's to look at")
        self._lane = lane
        self._secrets: LaneSecrets = lane.secrets
        self._ask = ask
        self._did = did
        self._words: dict[str, str] = {}

    def begin(self) -> None:
        """A story begins: no word stands for anything."""
        self._words.clear()

    def name(self, word: str, text: str) -> None:
        """Let a word stand for a secret from now on."""
        self._words[word] = text

    def said(self, request: Request) -> Request:
        """The request as it is sent."""
        who = request.identity
        return replace(
            request,
            path=self._spelled(request.path),
            body=self._spelled(request.body),
            headers=tuple((name, self._spelled(value)) for name, value in request.headers),
            identity=replace(who, headers=tuple((name, self._spelled(value)) for name, value in who.headers)),
        )

    def _spelled(self, text: str) -> str:
        for word, secret in self._words.items():
            text = text.replace(word, secret)
        return text

    def masked(self, exchange: Exchange) -> Exchange:
        """The answer as it is kept: a secret that it shows has been seen by the search, and is said nowhere else."""
        body = self._secrets.masked(exchange.body.decode("utf-8", "surrogateescape"))
        return replace(exchange, body=body.encode("utf-8", "surrogateescape"))

    def draw(self, word: str, kind: str) -> None:
        """Make up a secret that exists nowhere else, and a word for it."""
        text = f"gs-{secrets.token_hex(16)}"
        self._secrets.canaries.add(kind, text)
        self.name(word, text)

    def issue(self, request: Request, names: Mapping[str, str]) -> Exchange:
        """Ask for what issues secrets: the one answer that may show them. `names` are the words for its members."""
        exchange = self._ask(request)
        kept = exchange.body
        for member, text in _issued(exchange.body).items():
            self._keep(member, text, names.get(member, ""))
            kept = kept.replace(text.encode(), SHOWN.encode())
        self._secrets.answers.heard(exchange.headers, kept)
        return replace(exchange, body=kept)

    def _keep(self, member: str, text: str, word: str) -> None:
        if member == "access_token":
            self._secrets.canaries.add_token(text)
        else:
            self._secrets.canaries.add_theirs(ISSUED[member], text)
        if word:
            self.name(word, text)

    def login(self) -> tuple[Identity, bool]:
        """Somebody with an API key; say whether he has a password too, for which `$NAME` and `$PASSWORD` stand."""
        made = self._lane.create_users("enterprise", 1)[0]
        self.name("$KEY", made["api_key"])
        can_sign_in = {"username", "password"} <= made.keys()
        if can_sign_in:
            self.name("$NAME", made["username"])
            self.name("$PASSWORD", made["password"])
        return Identity("key", made["user_id"], "enterprise", (("X-API-Key", made["api_key"]),)), can_sign_in

    def crash(self, instance: int) -> None:
        """End an instance as a fault in itself would (SIGABRT), and wait until it has said its last."""
        process = self._lane.instances[instance]
        os.kill(process.pid, signal.SIGABRT)
        until(lambda: not process.alive, at_most_ms=DIED_MS)
        self._did("crash", str(instance), "aborted")

    def look(self) -> None:
        """Search everything; what is found, and where there was something to look through, is on the record."""
        searched = self._secrets.search()
        for sink, size in sorted(searched.sizes.items()):
            if size:
                self._did(SEARCHED, sink, "held something")
        for leak in searched.leaks:
            self._did(LEAK, leak.sink, str(leak))


def _issued(body: bytes) -> dict[str, str]:
    """The secrets in an answer, by member."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return {}
    members = document if isinstance(document, dict) else {}
    return {name: text for name, text in members.items() if name in ISSUED and isinstance(text, str)}
