"""`gatespec verify`: judge a gateway, write the reports, say the verdict with the exit code."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, get_args

from typer import Option

from gatespec.catalogue import load_catalogue
from gatespec.cli.folder import writable
from gatespec.errors import usage
from gatespec.ports import Binding
from gatespec.stack.runtimes import WHERE, runtime_named
from gatespec.suites import suites_root
from gatespec.target import Profile, Target, load_target

if TYPE_CHECKING:
    from gatespec.engine.plan import ProfileName, VerifyPlan
    from gatespec.ports import Tier

TIERS: tuple[Tier, ...] = ("component", "wire", "real-time")
DEFAULT_TIERS: tuple[Tier, ...] = ("component", "wire")
PROFILES: tuple[ProfileName, ...] = ("conformance", "explore")
BINDINGS: tuple[Binding, ...] = get_args(Binding)
CLAIMS: tuple[Profile, ...] = get_args(Profile)
LANES_BESIDE_CORES = 2
"""Lanes at a time beyond one for each core: they mostly wait."""
LANES_MAX = 16
"""More than there are lanes that wait for long."""
INSTANCES_MAX = 16
"""As in a target file."""
SEED_BITS = 32
"""Enough that no two nights draw alike, and short enough to type."""


@dataclass(frozen=True)
class Options:
    """The command line as it was typed, before anything of it is believed."""

    only: str | None = None
    tier: str | None = None
    examples: int | None = None
    seed: int | None = None
    target: str | None = None
    out: str = "out"
    profile: str = "conformance"
    replay: str | None = None
    instances: int | None = None
    claim: str | None = None
    binding: str | None = None
    side_by_side: int | None = None
    runtime: str = "native"


def verify(  # noqa: PLR0913, PLR0917 - one per option
    only: Annotated[str | None, Option(metavar="P03,P08", help="Judge these alone.")] = None,
    tier: Annotated[str | None, Option(metavar="TIER", help=f"{', '.join(TIERS)} or all; else the first two.")] = None,
    examples: Annotated[int | None, Option(metavar="N", help="Stories per property and tier.")] = None,
    seed: Annotated[int | None, Option(metavar="N", help="Dice of the profile explore.")] = None,
    target: Annotated[str | None, Option(metavar="FILE-or-URL", help="Else the reference gateway's.")] = None,
    out: Annotated[str, Option(metavar="DIR", help="Where the reports go.")] = Options.out,
    profile: Annotated[
        str, Option(metavar="NAME", help="conformance repeats itself, explore does not.")
    ] = Options.profile,
    replay: Annotated[str | None, Option(metavar="JSON", help="Tell this one story, as a failure prints it.")] = None,
    instances: Annotated[int | None, Option(metavar="N", help="Processes of the gateway.")] = None,
    claim: Annotated[
        str | None, Option(metavar="NAME", help=f"Judge what this claim holds: {', '.join(CLAIMS)}.")
    ] = None,
    binding: Annotated[str | None, Option(metavar="NAME", help=f"Judge on this alone: {', '.join(BINDINGS)}.")] = None,
    side_by_side: Annotated[
        int | None, Option(metavar="N", help="Lanes at a time; 1: one after the other. Else by the cores.")
    ] = None,
    runtime: Annotated[str, Option(metavar="NAME", help=WHERE)] = Options.runtime,
) -> int:
    """Judge a gateway, and write the reports.

    The exit code is 0 if it holds all that it claims, 1 if something is broken, 2 for wrong usage, 3 if it could not be
    judged.
    """
    dice = (examples, seed, target, out, profile, replay, instances, claim, binding, side_by_side, runtime)
    return run(plan_of(Options(only, tier, *dice)))


def run(plan: VerifyPlan) -> int:
    """Judge as planned, show how it goes, write the reports."""
    from gatespec.cli.console import show_closing, watching  # noqa: PLC0415 - the plan's errors come first, and fast
    from gatespec.engine.run import verify as judged  # noqa: PLC0415 - as above
    from gatespec.report.files import remove_reports, write_reports  # noqa: PLC0415 - as above
    from gatespec.verdict import exit_code  # noqa: PLC0415 - as above

    remove_reports(plan.out)  # a run that is cut short must not leave the verdict of the one before
    with watching() as progress:
        dice = plan.profile if plan.seed is None else f"{plan.profile}, seed {plan.seed}"
        progress.stage(f"judging {plan.target.name} ({dice})")
        found = judged(plan, progress)
        reports = write_reports(found, plan.out)
    history = plan.out / "history.jsonl"
    written = (reports.html, reports.json, reports.junit, *([history] if history.exists() else []))
    show_closing(found.judgements, found.verdict, *written)
    return exit_code(found.verdict)


def plan_of(asked: Options) -> VerifyPlan:
    """Turn the options into a plan; the first that cannot be is a usage error that names it."""
    from gatespec.engine.plan import VerifyPlan  # noqa: PLC0415 - reached only when something is judged

    if asked.profile == "explore" and asked.seed is None:
        # Drawn here, so that the line in the report repeats this very run.
        asked = replace(asked, seed=secrets.randbits(SEED_BITS))
    if asked.seed is not None:
        asked = replace(asked, profile="explore")
    _check_numbers(asked)
    only, tiers = _only(asked.only), _tiers(asked.tier)
    _check_replay(asked.replay, only, tiers)
    return VerifyPlan(
        target=_target(asked),
        out=writable(asked.out),
        command=command_line(asked),
        target_named=asked.target or "",
        only=only,
        tiers=tiers,
        examples=asked.examples,
        seed=asked.seed,
        profile=_profile(asked.profile),
        replay=asked.replay,
        instances=asked.instances,
        claim=_claim(asked.claim),
        binding=_binding(asked.binding),
        side_by_side=_side_by_side(asked),
        runtime=runtime_named(asked.runtime),
    )


def _side_by_side(asked: Options) -> int:
    """One where servers are shared with others: lanes of several judges would take each other's database of Redis."""
    if asked.runtime == "external":
        return 1
    return lanes_for(os.cpu_count() or 1) if asked.side_by_side is None else asked.side_by_side


def lanes_for(cores: int) -> int:
    """How many lanes are judged side by side on so many cores: they mostly wait, and still must not be late."""
    return min(cores + LANES_BESIDE_CORES, LANES_MAX)


def command_line(asked: Options) -> str:
    """The shell line that asks for the same again; defaults are left out."""
    program = ["uv", "run", "gatespec"] if (suites_root() / "uv.lock").is_file() else ["gatespec"]
    given = asdict(asked).items() - asdict(Options()).items()
    words = [
        (f"--{name.replace('_', '-')}", str(value)) for name, value in asdict(asked).items() if (name, value) in given
    ]
    return shlex.join([*program, "verify", *(word for pair in words for word in pair)])


def _only(asked: str | None) -> tuple[str, ...]:
    if asked is None:
        return ()
    catalogue = load_catalogue()
    found = {row.id: row for row in (catalogue.property(wanted) for wanted in asked.split(","))}
    provisional = [row.id for row in found.values() if row.provisional]
    if provisional:
        hint = "`gatespec list` shows which are judged"
        raise usage("property-provisional", f"no chapter judges {', '.join(provisional)} yet", hint=hint)
    return tuple(found)


def _tiers(asked: str | None) -> tuple[Tier, ...]:
    if asked is None:
        return DEFAULT_TIERS
    wanted = TIERS if asked == "all" else tuple(tier for tier in TIERS if tier == asked)
    if not wanted:
        raise usage("tier-unknown", f"there is no tier {asked!r:.40}", hint=f"--tier {', '.join(TIERS)} or all")
    return wanted


def _profile(asked: str) -> ProfileName:
    for profile in PROFILES:
        if profile == asked:
            return profile
    raise usage("profile-unknown", f"there is no profile {asked!r:.40}", hint=f"--profile {' or '.join(PROFILES)}")


def _claim(asked: str | None) -> Profile | None:
    if asked is None:
        return None
    for claim in CLAIMS:
        if claim == asked:
            return claim
    raise usage("claim-unknown", f"there is no claim {asked!r:.40}", hint=f"--claim {' or '.join(CLAIMS)}")


def _binding(asked: str | None) -> Binding | None:
    if asked is None:
        return None
    for binding in BINDINGS:
        if binding == asked:
            return binding
    raise usage("binding-unknown", f"there is no binding {asked!r:.40}", hint=f"--binding {' or '.join(BINDINGS)}")


def _check_numbers(asked: Options) -> None:
    if asked.examples is not None and asked.examples < 1:
        raise usage("examples-invalid", f"--examples {asked.examples}: nothing can be judged on less than 1 story")
    if asked.instances is not None and not 1 <= asked.instances <= INSTANCES_MAX:
        raise usage("instances-invalid", f"--instances {asked.instances}: it takes 1 to {INSTANCES_MAX}")
    if asked.side_by_side is not None and not 1 <= asked.side_by_side <= LANES_MAX:
        raise usage("side-by-side-invalid", f"--side-by-side {asked.side_by_side}: it takes 1 to {LANES_MAX}")
    if asked.seed is not None and asked.seed < 0:
        raise usage("seed-invalid", f"--seed {asked.seed}: a seed is a whole number from 0 on")


def _check_replay(story: str | None, only: tuple[str, ...], tiers: tuple[Tier, ...]) -> None:
    if story is None:
        return
    hint = "copy the whole line that a failure prints"
    try:
        json.loads(story)
    except ValueError as error:
        raise usage("replay-malformed", f"--replay is not JSON: {error}", hint=hint) from error
    if len(only) != 1 or len(tiers) != 1:
        raise usage("replay-ambiguous", "--replay needs --only with one property and --tier with one tier", hint=hint)


def named_target(named: str | None) -> Target:
    """The target of this name, else the reference gateway; a usage error where neither is there."""
    reference = suites_root() / "reference_gateway" / "gateway.toml"
    if named is None and not reference.is_file():
        raise usage("target-unnamed", "no target is named", hint="name a target file or a URL: --target gateway.toml")
    return load_target(reference if named is None else named)


def _target(asked: Options) -> Target:
    target = named_target(asked.target)
    if asked.instances is not None and target.door == "url":
        raise usage("instances-fixed", f"--instances {asked.instances}: {target.name} runs already, as it is")
    return target
