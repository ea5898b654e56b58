"""One bounded GET of a list from a stranger: what may go wrong on the way, by one name each.

Nothing that the provider sent, and nothing of the request, stands in an error: both may hold the credential.
"""

from __future__ import annotations

import asyncio
import json
import math
from datetime import UTC
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NoReturn

import aiohttp

from reference_gateway.adapters.providers.port import FailureKind, ProviderFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reference_gateway.adapters.credentials import Credential
    from reference_gateway.adapters.providers.port import ListCall, Listing

BODY_MAX_BYTES: Final = 16 * 1024 * 1024
"""Of a decoded body: a bomb of a few compressed kB ends here. The largest real list known is below 2 MB."""

INLINE_MAX_BYTES: Final = 64 * 1024
"""Of a body that is read on the event loop, in up to 10 ms; a body of 16 MiB takes 2 s, and everybody would wait."""

NUMBER_LENGTH_MAX: Final = 18
"""Characters of a number; a longer one is no price and no size, and would cost time to read."""

RETRY_AFTER_MAX_S: Final = 3600
"""The longest wait that a provider can impose by one answer."""

_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})


async def get_listing(
    session: aiohttp.ClientSession,
    call: ListCall,
    path: str,
    headers: Mapping[str, str],
    normalise: Callable[[object], Listing],
) -> Listing:
    """What `normalise` makes of the decoded body of a 200, all within the call's deadline; raises `ProviderFailed`.

    A failure leaves outside of the `except`: an aiohttp error in its context would carry the request's headers.
    """
    try:
        async with asyncio.timeout(call.deadline_s):
            body = await _read(session, call, path, headers)
            if len(body) <= INLINE_MAX_BYTES:
                return normalise(decode(body))
            return await asyncio.to_thread(lambda: normalise(decode(body)))
    except TimeoutError:
        failed = ProviderFailed(FailureKind.TIMEOUT, f"no whole answer within {call.deadline_s:g} s")
    except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError):
        failed = ProviderFailed(FailureKind.UNDECODABLE, "the answer is cut off, or no HTTP")
    except (aiohttp.ClientError, OSError):
        failed = ProviderFailed(FailureKind.CONNECTION, "no connection, or it broke before the answer")
    raise failed


async def _read(session: aiohttp.ClientSession, call: ListCall, path: str, headers: Mapping[str, str]) -> bytes:
    async with session.get(
        call.endpoint.rstrip("/") + path,
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", **headers},
        allow_redirects=False,  # a redirect would carry the credential to whomever the answer names
        timeout=aiohttp.ClientTimeout(total=None),  # `asyncio.timeout` is exact; aiohttp rounds above 5 s
    ) as response:
        if response.status != _OK:
            _refuse(response, call.now_ms())
        return await _bounded(response.content)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise ProviderFailed(FailureKind.UNDECODABLE, f"the body is longer than {BODY_MAX_BYTES} bytes")
    return bytes(body)


def _refuse(response: aiohttp.ClientResponse, now_ms: int) -> NoReturn:
    kind = FailureKind.CREDENTIAL if response.status in _REFUSED else FailureKind.STATUS
    retry_after_s = read_retry_after(response.headers.get("Retry-After", ""), now_ms)
    raise ProviderFailed(kind, f"status {response.status}", status=response.status, retry_after_s=retry_after_s)


def read_retry_after(text: str, now_ms: int) -> int | None:
    """Whole seconds, rounded up, of a `Retry-After` in either form (RFC 9110, 10.2.3); None if it says nothing."""
    seconds = _seconds(text) if text[:1].isdigit() else _seconds_until(text, now_ms)
    return None if seconds is None else min(max(math.ceil(seconds), 0), RETRY_AFTER_MAX_S)


def _seconds(text: str) -> float | None:
    try:
        return min(float(text), RETRY_AFTER_MAX_S)
    except ValueError:
        return None


def _seconds_until(text: str, now_ms: int) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp() - now_ms / 1000


def decode(body: bytes) -> object:
    """Strict UTF-8 and JSON, without `NaN`; a number too long to be meant is None, so that only its item suffers."""
    try:
        value: object = json.loads(body.decode(), parse_int=_integer, parse_float=_decimal, parse_constant=_no_json)
    except (ValueError, RecursionError):
        pass  # raised below: the decoder's error holds the whole body
    else:
        return value
    raise ProviderFailed(FailureKind.UNDECODABLE, "the body is not JSON in UTF-8")


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= NUMBER_LENGTH_MAX else None


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if len(text) <= NUMBER_LENGTH_MAX else None
    except InvalidOperation:
        return None


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def header_text(credential: Credential, field: str) -> str:
    """A credential's field, fit for a header; raises `ProviderFailed` where it is missing or would break out of it."""
    secret = credential.get(field)
    if secret is None:
        raise ProviderFailed(FailureKind.CREDENTIAL, f"the credential has no `{field}`")
    text = secret.reveal()
    if not (text.isascii() and text.isprintable() and text):
        raise ProviderFailed(FailureKind.CREDENTIAL, f"the credential's `{field}` cannot stand in a header")
    return text
