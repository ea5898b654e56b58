"""What a provider is told to do: be slow, fail, lie. Each fault here was seen in the wild."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

LATENCY_MAX_MS = 60_000
HANG_MAX_MS = 600_000
FAULTS_MAX = 100
ITEMS_MAX = 10_000
SERIAL_CENTS_MAX = 10**9
SIZE_MAX_BYTES = 1024 * 1024 * 1024
"""Of a body as it is read; nothing so big is ever in memory here."""
DEPTH_MAX = 1_000_000
PAUSE_MAX_MS = 60_000

ProviderName = Annotated[str, Field(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,62})$")]
OneProvider = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
EVERYBODY = "*"

FaultKind = Literal[
    "status",
    "rate_limited",
    "reset",
    "hang",
    "truncated",
    "html",
    "text",
    "body",
    "empty",
    "oversized",
    "redirect",
    "gzip_bomb",
    "not_gzip",
    "endless",
    "deep",
    "utf16",
    "bad_utf8",
    "short_length",
    "drip",
    "slow_head",
    "echo",
]
EchoForm = Literal["json", "html", "text", "header", "redirect", "gzip", "base64", "reason"]


class Strict(BaseModel):
    """A request to the control API: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Strict):
    """One way to fail, for the next `times` requests that it applies to; None: until the script is replaced.

    Instead of an answer
    - `status`: the API's own error envelope, of that status where the API documents one
    - `rate_limited`: a 429 in plain text, with `retry_after` or without
    - `reset`: the connection is reset
    - `hang`: nothing for `hang_ms`, then the connection closes
    - `html`: a proxy's error page, with status 502 unless said
    - `text`, `body`: `body` as it is, with status 503 and 200 unless said
    - `empty`: a list of nothing, with status 200: the flake of a replica that knows nothing
    - `redirect`: to `location`
    - `echo`: what was sent, credential and all, in some `form`, with status 401 unless said; real APIs do
    - `endless`: white space that does not end, in chunks; after 1 GiB the connection closes in the middle
    - `deep`: an array in an array, `depth` times

    The true answer, spoilt
    - `truncated`: promises the true length and closes half-way
    - `short_length`: promises half of the true length and sends all
    - `oversized`: stands after `size_bytes` of white space
    - `gzip_bomb`: likewise, compressed to a thousandth of that
    - `not_gzip`: is said to be compressed, and is not
    - `utf16`: in UTF-16, which is said to be UTF-8
    - `bad_utf8`: a byte that no UTF-8 has, in its first text
    - `drip`: byte by byte with `pause_ms` between, for 10 minutes at most
    - `slow_head`: likewise the status line and the fields, then all of the body

    What an item can say, no fault is needed for: null, zero, negative and absurd prices, numbers of any length, the
    same item twice, and again on a later page with another price (`page_size`).
    """

    kind: FaultKind
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1
    after: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """So many requests that it applies to pass unharmed first: a failure in the middle of a sweep."""
    applies_to: Literal["list", "probe", "token", "other", "any"] = "any"
    """As the ledger calls them: of a list's requests the first is the `list`, the others are `other`."""
    endpoint: str | None = None
    """Only at this base URL of the provider; None: at every one."""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """For every kind that answers; each has its own default."""
    retry_after: Annotated[str, Field(max_length=64, pattern=r"^[\x20-\x7e]*$")] | None = None
    """The field's value as it is: seconds or an HTTP date; None: no such field."""
    body: Annotated[str, Field(max_length=1_000_000)] = ""
    content_type: Annotated[str, Field(max_length=100, pattern=r"^[\x20-\x7e]+$")] = "application/json"
    hang_ms: Annotated[int, Field(ge=0, le=HANG_MAX_MS)] = HANG_MAX_MS
    size_bytes: Annotated[int, Field(ge=0, le=SIZE_MAX_BYTES)] = 17 * 1024 * 1024
    depth: Annotated[int, Field(ge=1, le=DEPTH_MAX)] = 100_000
    pause_ms: Annotated[int, Field(ge=1, le=PAUSE_MAX_MS)] = 100
    form: EchoForm = "json"
    """How an `echo` says it: in its body, which may be compressed or encoded, in a header, as the place to go on to, in
    the status line."""
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
    """The whole list, instead of the catalogue: key to the item's JSON text, served byte for byte.

    Where a list takes several documents a key may be `document/key`; else it is the first document's.
    """
    inject: Annotated[dict[str, str], Field(max_length=ITEMS_MAX)] = {}
    """Items beside the catalogue, or in place of those with the same key: JSON text, served byte for byte."""
    page_size: Annotated[int, Field(ge=1, le=500)] | None = None
    """Items of one page; None: as many as the API allows. Refused where it has no pages."""
    without_capacity: list[str] = []
    """Regions where nothing of the catalogue is for rent."""
    credentials: list[Annotated[str, Field(min_length=1, max_length=500)]] | None = None
    """What is accepted, perhaps nothing; None: the development credential."""
    token_lifetime_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """What is said of the tokens sold from now on; None: what the API's table says. Refused where it sells none, like
    `tokens_end_after`."""
    tokens_end_after: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """After so many more requests with good tokens all that were sold by then are refused, whatever was said of them;
    0: from now on. So a token ends in the middle of a sweep. None: they stay good."""
    rate_left: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """How many requests are said to be left; None: nearly all. Said only: refusing them is a fault's. Refused where the
    API does not tell."""
    rate_resets_s: Annotated[int, Field(ge=0, le=86_400)] = 3600
    """In how many seconds that is said to be over."""
    inactive: bool = False
    """Whether the account is refused with 403."""
    serial_cents: Annotated[int, Field(ge=0, le=SERIAL_CENTS_MAX)] | None = None
    """Instead of any other list: one machine whose price is so many cents more than the number of the call that asks,
    counted per provider from 1 in order of arrival, failed calls too. So a price names the call that it came from.
    Refused where a whole list takes several requests."""

    @field_validator("items", "inject")
    @classmethod
    def _json(cls, items: dict[str, str] | None) -> dict[str, str] | None:
        """An item may be wrong in every way but this: the body around it must stay one document."""
        for key, text in (items or {}).items():
            try:
                json.loads(text, parse_int=str, parse_float=str)  # numbers of any length
            except (ValueError, RecursionError) as error:
                raise ValueError(
                    f"item {key!r} is not JSON: {error}; to serve such a body, use a `body` or a `deep` fault"
                ) from error
        return items


class ScriptRequest(Script):
    """POST /_control/script."""

    providers: Annotated[list[ProviderName], Field(min_length=1, max_length=1000)]


class EnlistRequest(Strict):
    """POST /_control/providers: providers to simulate from now on; one that is known already stays as it is."""

    providers: Annotated[list[OneProvider], Field(min_length=1, max_length=1000)]
    adapter: Annotated[str, Field(max_length=63)] = "lambda"
    """Whose API they speak."""


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
    usd: dict[str, Annotated[Decimal, Field(gt=0, le=10**10, max_digits=24)] | None] = {}
    """Likewise in USD, where cents are too coarse: decimals in text."""

    def changes(self) -> dict[str, Decimal | None]:
        """Overrides in USD, null where one ends."""
        cents = {name: None if price is None else Decimal(price) / 100 for name, price in self.cents.items()}
        return {**cents, **self.usd}
