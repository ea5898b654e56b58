"""Values that mean something to the gateway in question: half of all drawn requests name what is really there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.stack.lane import Lane

OFFERS: Final = "/api/v2/providers"
LOOK_S: Final = 10.0
BODY_OF: Final = {
    "login": ("username", "password"),
    "service-token": ("service_id", "secret"),
    "integrations": ("provider", "credential"),
    "invalidate": ("provider",),
}
"""Which members of which body can be known, by the last step of the path."""


@dataclass
class KnownValues:
    """What is known, by parameter or by path and member."""

    base_url: str
    offers: tuple[str, ...] = ()
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    paths: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, lane: Lane) -> KnownValues:
        """Look for what is there, and have made what can be."""
        page = requests.get(f"{lane.urls[0]}{OFFERS}?limit=100", timeout=LOOK_S)
        items = page.json().get("items", []) if page.ok else []
        known = cls(lane.urls[0], tuple(item["id"] for item in items))
        if items:
            provider = items[0]["provider"]
            known.paths["provider"] = provider
            known.bodies["invalidate"] = {"provider": provider}
            known.bodies["integrations"] = {"provider": "lambda", "credential": {"api_key": "a-key-of-a-user"}}
        known.bodies |= _people(lane)
        return known

    def offer_to(self, schema: Any, headers: Mapping[str, str]) -> None:  # noqa: ANN401 - Schemathesis' own
        """Have it use them in half of what it draws, always the same half; `headers` are who asks."""

        @schema.hook("map_case")  # type: ignore[untyped-decorator] # Schemathesis types no hook
        def known_half(context: Any, case: Any) -> Any:  # noqa: ANN401, ARG001 - as above
            if _is_in_half(case):
                self._put_into(case)
                self._make_sure(case, headers)
            return case

    def _put_into(self, case: Any) -> None:  # noqa: ANN401 - as above
        parameters = case.path_parameters
        if isinstance(parameters, dict):
            if "offer_id" in parameters and self.offers:
                parameters["offer_id"] = self.offers[len(str(parameters["offer_id"])) % len(self.offers)]
            if "provider" in parameters and "provider" in self.paths:
                parameters["provider"] = self.paths["provider"]
        known = self.bodies.get(case.operation.path.rpartition("/")[2])
        if known and case.method == "POST" and isinstance(case.body, dict) and set(known) <= set(case.body):
            case.body = {**case.body, **known}

    def _make_sure(self, case: Any, headers: Mapping[str, str]) -> None:  # noqa: ANN401 - as above
        """What is to be deleted has to be there."""
        path, body = case.operation.path, self.bodies.get("integrations")
        if case.method == "DELETE" and path.endswith("/integrations/{provider}") and body:
            url = f"{self.base_url}{path.rpartition('/')[0]}"
            requests.post(url, json=body, headers=dict(headers), timeout=LOOK_S)
            case.path_parameters = {**(case.path_parameters or {}), "provider": body["provider"]}


def _is_in_half(case: Any) -> bool:  # noqa: ANN401 - as above
    drawn = json.dumps([case.path_parameters, case.query, case.body], default=str, sort_keys=True)
    return hashlib.sha256(drawn.encode()).digest()[0] % 2 == 0


def _people(lane: Lane) -> dict[str, dict[str, Any]]:
    """A user with a password and a service with a secret, where the target file says how to make them."""
    found: dict[str, dict[str, Any]] = {}
    if lane.target.users is None or lane.stack is None:
        return found
    user = lane.create_users("pro", 1)[0]
    if {"username", "password"} <= user.keys():
        found["login"] = {"username": user["username"], "password": user["password"]}
    if (service := lane.create_service()) is not None:
        found["service-token"] = {"service_id": service["service_id"], "secret": service["secret"]}
    return found
