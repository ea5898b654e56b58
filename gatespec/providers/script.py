"""What a provider is told to do: be slow, fail, lie. Each fault here was seen in the wild."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

LATENCY_MAX_MS = 60_000
HANG_MAX_MS = 600_000
FAULTS_MAX = 100
ITEMS_MAX = 10_000
SERIAL_CENTS_MAX = 10**9
OVERSIZED_MAX_BYTES = 64 * 1024 * 1024

ProviderName = Annotated[str, Field(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,62})$")]
OneProvider = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
EVERYBODY = "*"

FaultKind = Literal[
    "status", "rate_limited", "reset", "hang", "truncated", "html", "text", "body", "empty", "oversized", "redirect"
]


class Strict(BaseModel):
    """A request to the control API: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Strict):
    """One way to fail, for the next `times` requests that it applies to; None: until the script is replaced.

    `status` answers the provider's own error envelope; `rate_limited` a 429 with `retry_after` or without; `reset`
    resets the connection; `hang` answers nothing for `hang_ms`, then closes; `truncated` promises the true length and
    closes half-way; `html` is a proxy's error page; `text` and `body` answer `body` as it is; `empty` a list of
    nothing; `oversized` the true list after `size_bytes` of white space; `redirect` sends to `location`.
    """

    kind: FaultKind
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1
    applies_to: Literal["list", "probe", "any"] = "any"
    endpoint: str | None = None
    """Only at this base URL of the provider; None: at every one."""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """For every kind that answers; each has its own default."""
    retry_after: Annotated[str, Field(max_length=64, pattern=r"^[\x20-\x7e]*$")] | None = None
    """The field's value as it is: seconds or an HTTP date; None: no such field."""
    body: Annotated[str, Field(max_length=1_000_000)] = ""
    content_type: Annotated[str, Field(max_length=100, pattern=r"^[\x20-\x7e]+$")] = "application/json"
    hang_ms: Annotated[int, Field(ge=0, le=HANG_MAX_MS)] = HANG_MAX_MS
    size_bytes: Annotated[int, Field(ge=0, le=OVERSIZED_MAX_BYTES)] = 17 * 1024 * 1024
    location: Annotated[str, Field(max_length=2000, pattern=r"^[\x21-\x7e]+$")] = "/_control/ready"


class Script(Strict):
    """How a provider behaves. Fields that a request leaves out stay as they were."""

    latency_ms: Annotated[int, Field(ge=0, le=LATENCY_MAX_MS)] = 0
    """Before anything is answered, faults too; added to what the simulator itself takes."""
    endpoint_latency_ms: dict[str, Annotated[int, Field(ge=0, le=LATENCY_MAX_MS)]] = {}
    """Instead of `latency_ms` at these base URLs of the provider."""
    faults: Annotated[list[Fault], Field(max_length=FAULTS_MAX)] = []
    """Played in order: a request meets the first that applies to it and is not used up."""
    items: Annotated[dict[str, str], Field(max_length=ITEMS_MAX)] | None = None
    """The whole list, instead of the catalogue: key to the item's JSON text, served byte for byte."""
    inject: Annotated[dict[str, str], Field(max_length=ITEMS_MAX)] = {}
    """Items beside the catalogue, or in place of those with the same key: JSON text, served byte for byte."""
    without_capacity: list[str] = []
    """Regions where nothing is for rent."""
    credentials: list[Annotated[str, Field(min_length=1, max_length=500)]] | None = None
    """What is accepted; None: the development credential."""
    inactive: bool = False
    """Whether the account is refused with 403."""
    serial_cents: Annotated[int, Field(ge=0, le=SERIAL_CENTS_MAX)] | None = None
    """Instead of any other list: one machine whose price is so many cents more than the number of the call that asks,
    counted per provider from 1 in order of arrival, failed calls too. So a price names the call that it came from."""

    @field_validator("items", "inject")
    @classmethod
    def _json(cls, items: dict[str, str] | None) -> dict[str, str] | None:
        """An item may be wrong in every way but this: the body around it must stay one document."""
        for key, text in (items or {}).items():
            try:
                json.loads(text)
            except ValueError as error:
                raise ValueError(
                    f"item {key!r} is not JSON: {error}; to serve such a body, use a `body` fault"
                ) from error
        return items


class ScriptRequest(Script):
    """POST /_control/script."""

    providers: Annotated[list[ProviderName], Field(min_length=1, max_length=1000)]


class EnlistRequest(Strict):
    """POST /_control/providers: providers to simulate from now on; one that is known already stays as it is."""

    providers: Annotated[list[OneProvider], Field(min_length=1, max_length=1000)]


class PricesRequest(Strict):
    """POST /_control/prices: what is left out stays as it was."""

    providers: Annotated[list[ProviderName], Field(min_length=1, max_length=1000)]
    series: Annotated[str, Field(pattern=r"^[a-z0-9]+/[a-z-]+$")] | None = None
    """Whose real prices: the data's provider and kind, `lambda/on-demand`, `runpod/secure`."""
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    advance: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many of the series' days to go on, after `day` was set."""
    cents: dict[str, Annotated[int, Field(ge=1, le=10**12)] | None] = {}
    """Prices of whole machines by instance type that override the data's, until set to null."""
