"""Mistakes that an API server must find in our own manifests: one that it does not find means that it was not asked."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8s.check.rendered import named

if TYPE_CHECKING:
    from k8s.check.rendered import Manifest

CONTAINER = ("spec", "template", "spec", "containers", 0)


@dataclass(frozen=True)
class Mistake:
    """One value of one object put wrong, and what the refusal says."""

    what: str
    kind: str
    name: str
    at: tuple[str | int, ...]
    value: object
    refusal: str
    overlay: str = "production"

    def plant(self, manifests: list[Manifest]) -> Manifest:
        """The object with the mistake; the others stay as they are."""
        made = copy.deepcopy(named(manifests, self.kind, self.name))
        put(made, self.at, self.value)
        return made


def put(into: Any, at: tuple[str | int, ...], value: object) -> None:  # noqa: ANN401 - a manifest, or a part of one
    """Set the value at this path."""
    for step in at[:-1]:
        into = into[step]
    into[at[-1]] = value


MISTAKES = (
    Mistake(
        "a selector that does not match its own pods",
        *("StatefulSet", "redis"),
        ("spec", "template", "metadata", "labels", "app.kubernetes.io/name"),
        "another",
        "`selector` does not match template `labels`",
    ),
    Mistake(
        "a request above its limit",
        *("StatefulSet", "gateway"),
        (*CONTAINER, "resources", "requests", "memory"),
        "1Gi",
        "must be less than or equal to memory limit",
    ),
    Mistake(
        "fewest pods above most pods",
        *("HorizontalPodAutoscaler", "gateway"),
        ("spec", "minReplicas"),
        1001,
        "must be greater than or equal to `minReplicas`",
    ),
    Mistake(
        "a mount of no volume",
        *("StatefulSet", "postgres"),
        (*CONTAINER, "volumeMounts", 0, "name"),
        "nothing",
        'volumeMounts[0].name: Not found: "nothing"',
    ),
    Mistake(
        "a preStop longer than the grace",
        *("StatefulSet", "gateway"),
        (*CONTAINER, "lifecycle", "preStop", "sleep", "seconds"),
        60,
        "must be non-negative and less than terminationGracePeriodSeconds",
    ),
    Mistake(
        "a container that may gain privileges",
        *("StatefulSet", "gateway"),
        (*CONTAINER, "securityContext", "allowPrivilegeEscalation"),
        True,  # noqa: FBT003 - the planted value
        'would violate PodSecurity "restricted:latest"',
    ),
    Mistake(
        "a field that does not exist",
        *("PodDisruptionBudget", "redis"),
        ("spec", "maxUnavailables"),
        1,
        'unknown field "spec.maxUnavailables"',
    ),
    Mistake(
        "a schedule that is none",
        *("CronJob", "redis-join-again"),
        ("spec", "schedule"),
        "every two minutes",
        "spec.schedule: Invalid value",
    ),
    Mistake(
        "a secret from nowhere",
        *("ExternalSecret", "redis"),
        ("spec", "data", 0, "remoteRef"),
        {"property": "password"},
        "remoteRef.key: Required value",
    ),
)
