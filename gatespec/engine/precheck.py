"""What can be wrong with a plan, told before anything is started."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.engine.story import read_story
from gatespec.errors import GatespecError, usage
from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from gatespec.catalogue import Setting
    from gatespec.engine.chapter import Chapter
    from gatespec.engine.plan import VerifyPlan
    from gatespec.target import Target

NUMBERS = {"seconds", "int", "float", "ratio"}
"""Types of settings whose value the judge reckons with."""


def check_plan(plan: VerifyPlan, chapters: list[Chapter]) -> None:
    """Raise the usage error of the first thing that cannot be."""
    if plan.replay:
        if len(chapters) != 1:
            raise usage("replay-needs-one", "--replay tells a story of one property", hint="name it with --only")
        read_story(plan.replay, chapters[0].machine)
    check_target(plan.target)


def check_target(target: Target) -> None:
    """Hold the target file's names and numbers against the specification."""
    for name in target.settings:
        _setting(f"settings.{name}", name)
    for name, value in (target.url.settings if target.url else {}).items():
        _check_value(f"url.settings.{name}", _setting(f"url.settings.{name}", name), value)
    known = sorted(path.stem for path in (spec_dir() / "providers").glob("*.toml"))
    for adapter in target.adapters:
        if adapter not in known:
            raise usage("adapter-unknown", f"adapters: there is no {adapter!r:.40}", hint=f"known: {', '.join(known)}")


def _setting(where: str, name: str) -> Setting:
    settings = load_catalogue().settings
    if name not in settings:
        raise usage(
            "setting-unknown", f"{where}: the contract has no such setting", hint="spec/settings.toml lists them"
        )
    return settings[name]


def _check_value(where: str, setting: Setting, value: str) -> None:
    if setting.type not in NUMBERS:
        return
    try:
        number = Decimal(value)
        fits = number.is_finite() and (setting.type != "int" or number == int(number))
    except InvalidOperation:
        fits = False
    if not fits:
        raise _unfit(where, setting, value)


def _unfit(where: str, setting: Setting, value: str) -> GatespecError:
    return usage("setting-invalid", f"{where}: {value!r:.40} is not a value of type {setting.type}")
