"""A broken promise in the words of a person who has to mend it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.engine.tally import Broken, sentences, write_story
from gatespec.engine.timeline import story_began_ms, timeline
from gatespec.verdict import Failure

if TYPE_CHECKING:
    from gatespec.engine.plan import VerifyPlan
    from gatespec.ports import Exchange

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
        meanwhile=timeline(broken.example),
    )


def replay_line(broken: Broken, plan: VerifyPlan) -> str:
    """One shell line that tells the story again, on the same tier, binding and target."""
    context = broken.example.context
    program = plan.command.partition(" verify")[0] or "gatespec"
    words = ["verify", "--only", context.property_id, "--tier", context.tier, "--binding", context.binding]
    words += ["--target", plan.target_named] if plan.target_named else []
    words += ["--runtime", plan.runtime] if plan.runtime != "native" else []
    words += ["--replay", write_story(broken.example.story)]
    return f"{program} {shlex.join(words)}"


def curl(exchange: Exchange) -> str:
    """The request as a shell line that works after the `export` line of `gatespec up`; it never shows a credential."""
    asked = exchange.request
    who = asked.identity
    words = ["curl", "-si"] + (["-X", asked.method] if asked.method != "GET" else [])
    if who.kind == "ip":
        words += ["-H", shlex.quote(f"X-Forwarded-For: {asked.address or who.name}")]
    else:
        words += ["-H", f'"X-API-Key: $KEY_{who.plan.upper()}"']
    for name, value in asked.headers:
        words += ["-H", shlex.quote(f"{name}: {value}")]
    words += ["--data-raw", shlex.quote(asked.body)] if asked.body else []
    url = f'"$GATEWAY_{asked.instance}"{shlex.quote(asked.path)}'
    return f"{' '.join(words)} {url}  # {who.id}, plan {who.plan}, at {exchange.span.sent_ms} ms"


def _answer(place: int, exchange: Exchange, broken: Broken) -> str:
    began = story_began_ms(broken.example)
    when = f"{exchange.span.sent_ms - began}-{exchange.span.heard_ms - began} ms"
    shown = [f"{name}: {exchange.headers[name]}" for name in SHOWN if name in exchange.headers]
    body = exchange.body[:BODY_SHOWN].decode("utf-8", "replace") if (exchange.status or 0) >= 400 else ""  # noqa: PLR2004 - errors
    parts = [when, str(exchange.status or "no answer"), *shown, body]
    if place == broken.breach.exchange:
        parts.append(f"<- {broken.breach.what}")
    return "  ".join(part for part in parts if part)
