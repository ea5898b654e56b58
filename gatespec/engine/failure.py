"""A broken promise in the words of a person who has to mend it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.engine.tally import Broken, sentences, write_story
from gatespec.verdict import Failure

if TYPE_CHECKING:
    from gatespec.engine.plan import VerifyPlan
    from gatespec.ports import Exchange

SECRET_HEADERS = {"authorization", "x-api-key", "cookie"}
"""What a report must not carry: minted for a run or a team's own, a token in a file outlives both."""
SHOWN = ("ratelimit", "retry-after", "cache-status", "content-type")
BODY_SHOWN = 160


def describe(broken: Broken, replay: str, *, reproduced: int, replays: int) -> Failure:
    """Write down the shortest story, its requests and answers, and the line that tells it again."""
    exchanges = broken.example.exchanges
    return Failure(
        statement=load_catalogue().property(broken.example.context.property_id).statement,
        breach=broken.breach.what,
        story=sentences(broken.example.story),
        requests=tuple(curl(exchange) for exchange in exchanges),
        answers=tuple(_answer(place, exchange, broken) for place, exchange in enumerate(exchanges)),
        replay=replay,
        reproduced=reproduced,
        replays=replays,
    )


def replay_line(broken: Broken, plan: VerifyPlan) -> str:
    """One shell line that tells the story again, on the same tier and target."""
    context = broken.example.context
    words = ["uv", "run", "gatespec", "verify", "--only", context.property_id, "--tier", context.tier]
    words += ["--target", plan.target_named] if plan.target_named else []
    words += ["--replay", write_story(broken.example.story)]
    return shlex.join(words)


def curl(exchange: Exchange) -> str:
    """The request as a shell line; what proves the identity is named, never shown."""
    asked = exchange.request
    words = ["curl", "-si", "-X", asked.method]
    for name, value in (*asked.identity.headers, *asked.headers):
        shown = "$" + name.upper().replace("-", "_") if name.lower() in SECRET_HEADERS else value
        words += ["-H", f"{name}: {shown}"]
    url = f"http://$INSTANCE_{asked.instance}{asked.path}"
    return (
        f"{shlex.join([*words, url])}  # {asked.identity.id}, plan {asked.identity.plan}, at {exchange.span.sent_ms} ms"
    )


def _answer(place: int, exchange: Exchange, broken: Broken) -> str:
    began = broken.example.exchanges[0].span.sent_ms
    when = f"{exchange.span.sent_ms - began}-{exchange.span.heard_ms - began} ms"
    shown = [f"{name}: {exchange.headers[name]}" for name in SHOWN if name in exchange.headers]
    body = exchange.body[:BODY_SHOWN].decode("utf-8", "replace") if (exchange.status or 0) >= 400 else ""  # noqa: PLR2004
    parts = [when, str(exchange.status or "no answer"), *shown, body]
    if place == broken.breach.exchange:
        parts.append(f"<- {broken.breach.what}")
    return "  ".join(part for part in parts if part)
