"""The component tier: the target's own driver, in process, under a virtual clock."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from gatespec.clock import VirtualClock
from gatespec.errors import unable
from gatespec.identities import Numbers, fresh_address
from gatespec.ports import Exchange, Identity, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.ports import Binding, ComponentDriver, Kind, Plan, Request, Tier
    from gatespec.target import Target

SCENE_MS = 60_000
"""Every story begins at a whole minute, and later than any window of the one before: so it can be told again."""


class InProcessGateway:
    """Instances of a gateway that share a store and a clock; each request takes no time at all."""

    tier: ClassVar[Tier] = "component"

    def __init__(
        self,
        make: Callable[..., ComponentDriver],
        *,
        settings: Mapping[str, str],
        instances: int,
        redis_url: str | None,
    ) -> None:
        self.binding: Binding = "redis" if redis_url else "pure"
        self.instances = instances
        self.clock = VirtualClock()
        self._driver = make(clock=self.clock, instances=instances, settings=dict(settings), redis_url=redis_url)
        self._fresh = Numbers()

    def begin(self) -> None:
        """Turn to the next whole minute but one; every instance's clock is right again."""
        now = self.clock.now_ms()
        self.clock.advance((now // SCENE_MS + 2) * SCENE_MS - now)
        self.skew([0] * self.instances)
        self._fresh.begin()

    def fresh(self, kind: Kind, plan: Plan) -> Identity:
        """Make up an identity that was never seen."""
        number = next(self._fresh)
        return Identity(kind, fresh_address(number) if kind == "ip" else f"{kind}-{number}", plan)

    def play(self, requests: Sequence[Request]) -> list[Exchange]:
        """Ask one after the other, in the order of their delays; the clock goes on by the delays alone."""
        began = self.clock.now_ms()
        answered: dict[int, Exchange] = {}
        for place, request in sorted(enumerate(requests), key=lambda pair: pair[1].delay_ms):
            self.clock.advance(began + request.delay_ms - self.clock.now_ms())
            answered[place] = self._ask(request)
        return [answered[place] for place in range(len(requests))]

    def _ask(self, request: Request) -> Exchange:
        who = request.identity
        credential = {"kind": who.kind, "name": request.address or who.name, "plan": who.plan}
        headers = {name.lower(): value for name, value in request.headers}
        status, answered, body = self._driver.request(
            request.instance, request.method, request.path, headers, credential
        )
        now = self.clock.now_ms()
        named = {name.lower(): value for name, value in answered.items()}
        return Exchange(replace(request, delay_ms=0), Span(now, now), status, named, body)

    def wait(self, duration_ms: int) -> None:
        """Turn the clock."""
        self.clock.advance(duration_ms)

    def skew(self, offsets_ms: Sequence[int]) -> bool:
        """Set the instances' own clocks off; the shared store's clock stays right."""
        self._driver.skew_ms = list(offsets_ms)
        return True

    def close(self) -> None:
        """End the driver."""
        self._driver.close()


def load_driver(target: Target) -> Callable[..., ComponentDriver]:
    """Load the class that the target names; raise `unable` that says what is missing."""
    named = target.component_driver or ""
    module, _, attribute = named.partition(":")
    for folder in target.python_path:
        path = str((target.folder / folder).resolve())
        if path not in sys.path:
            sys.path.insert(0, path)
    try:
        made: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise unable(
            "component-driver",
            f"the component driver {named} cannot be loaded: {error}",
            tried=f"python_path {target.python_path} beside {target.folder}",
            hint="correct component_driver or python_path in the target file; without them only the wire is judged",
        ) from error
    driver: Callable[..., ComponentDriver] = made
    return driver
