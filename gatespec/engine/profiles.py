"""Hypothesis as the judge uses it: `conformance` repeats itself, `explore` prints the seed that repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import get_state_machine_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.engine.plan import ProfileName
    from gatespec.engine.story import StoryMachine


def settings_for(profile: ProfileName, *, examples: int, steps: int) -> settings:
    """Settings of a run: no example database (a replay line says more), no deadline (spans judge time)."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=profile == "conformance",
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        # Waiting is what these stories do: how long a step takes says nothing about how well it was drawn.
        suppress_health_check=(HealthCheck.too_slow,),
    )


def prepare(machine: type[StoryMachine], chosen: settings, number: int | None) -> Callable[[], None]:
    """Bind a machine to its settings; `number` is the seed of an `explore` run."""
    test = get_state_machine_test(machine, settings=chosen)
    return test if number is None else seed(number)(test)
