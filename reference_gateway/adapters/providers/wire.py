"""Bounded requests to a stranger: what may go wrong on the way, by one name each.

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
    from collections.abc import Callable

    from reference_gateway.adapters.providers.port import Result, WireRequest

BODY_MAX_BYTES: Final = 16 * 1024 * 1024
"""Of a decoded body: a bomb of a few compressed kB ends here. The largest real list known is below 2 MB."""

CALL_MAX_BYTES: Final = 4 * BODY_MAX_BYTES
"""Of all decoded bodies of one call: many pages are bounded as one is. A whole sweep of RunPod is about 10 MB."""

INLINE_MAX_BYTES: Final = 32 * 1024
"""Of a body that is read on the event loop, in up to 10 ms; a body of 16 MiB takes 6 s, and everybody would wait."""

INTEGER_LENGTH_MAX: Final = 18
"""Characters of a whole number; a longer one is no price and no size, and would cost time to read."""

DECIMAL_LENGTH_MAX: Final = 24
"""Characters of any other number: all that a double's shortest form needs, such as `-2.2250738585072014e-308`."""

DECIMAL_POWER_MAX: Final = 18
"""Of ten, up and down: as a fraction `1e999999` would fill the memory with its digits."""

RETRY_AFTER_MAX_S: Final = 3600
"""The longest wait that a provider can impose by one answer."""


class Unmeant:
    """What stands for a number that cannot be meant: no field is of this type, and `null` says something else."""


UNMEANT: Final = Unmeant()

_OK: Final = 200
_KINDS: Final = {401: FailureKind.CREDENTIAL, 403: FailureKind.CREDENTIAL, 429: FailureKind.LIMITED}


class HttpWire:
    """The port `Wire` over a session of aiohttp: to one endpoint, until a moment of the running loop's clock."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: str,
        until_s: float,
        now_ms: Callable[[], int],
        *,
        each_s: float = math.inf,
    ) -> None:
        """`endpoint` is scheme and host; `now_ms` reads the wall clock.

        `until_s` bounds all that is sent, by the loop's clock; `each_s` further bounds each request, as a poll's are.
        """
        self._session = session
        self._endpoint = endpoint.rstrip("/")
        self._until_s = until_s
        self._each_s = each_s
        self._now_ms = now_ms
        self._left_bytes = CALL_MAX_BYTES

    async def send(self, request: WireRequest, read: Callable[[object], Result]) -> Result:
        """As the port.

        A failure leaves outside of the `except`: an aiohttp error in its context would carry the request's headers.
        """
        try:
            async with asyncio.timeout_at(min(self._until_s, asyncio.get_running_loop().time() + self._each_s)):
                body = await self._read(request)
                if len(body) <= INLINE_MAX_BYTES:
                    return read(decode(body))
                return await asyncio.to_thread(lambda: read(decode(body)))
        except TimeoutError:
            failed = ProviderFailed(FailureKind.TIMEOUT, "no whole answer within the time-out")
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError):
            failed = ProviderFailed(FailureKind.UNDECODABLE, "the answer is cut off, or no HTTP")
        except (aiohttp.ClientError, OSError):
            failed = ProviderFailed(FailureKind.CONNECTION, "no connection, or it broke before the answer")
        raise failed

    async def _read(self, request: WireRequest) -> bytes:
        async with self._session.request(
            request.method,
            self._endpoint + request.path,
            data=request.body or None,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", **request.headers},
            allow_redirects=False,  # a redirect would carry the credential to whomever the answer names
            timeout=aiohttp.ClientTimeout(total=None),  # `asyncio.timeout` is exact; aiohttp rounds above 5 s
        ) as response:
            if response.status != _OK:
                raise refusal(response.status, response.headers.get("Retry-After", ""), self._now_ms())
            body = await _bounded(response.content, min(BODY_MAX_BYTES, self._left_bytes))
        self._left_bytes -= len(body)
        return body


async def _bounded(content: aiohttp.StreamReader, length_max: int) -> bytes:
    """At most `length_max` bytes; who sends more is hung up on, for leaving the response unread closes its line."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > length_max:
            raise ProviderFailed(FailureKind.UNDECODABLE, f"more than the {length_max} bytes that it may still send")
    return bytes(body)


def refusal(status: int, retry_after: str, now_ms: int) -> ProviderFailed:
    """What an answer that is no 200 says, `retry_after` being its field of that name; `now_ms` is the wall clock."""
    kind = _KINDS.get(status, FailureKind.STATUS)
    return ProviderFailed(kind, f"status {status}", status=status, retry_after_s=read_retry_after(retry_after, now_ms))


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
    """Strict UTF-8 and JSON, without `NaN`; of a member named twice the later counts, as of an item that comes twice.

    A number that cannot be meant is `UNMEANT`, so that only its item suffers.
    """
    try:
        value: object = json.loads(body.decode(), parse_int=_integer, parse_float=_decimal, parse_constant=_no_json)
    except (ValueError, RecursionError):
        pass  # raised below: the decoder's error holds the whole body
    else:
        return value
    raise ProviderFailed(FailureKind.UNDECODABLE, "the body is not JSON in UTF-8")


def _integer(text: str) -> int | Unmeant:
    return int(text) if len(text) <= INTEGER_LENGTH_MAX else UNMEANT


def _decimal(text: str) -> Decimal | Unmeant:
    """Exact; a zero has neither sign nor exponent, lest somebody be shown `-0`."""
    if len(text) > DECIMAL_LENGTH_MAX:
        return UNMEANT
    try:
        number = Decimal(text)
    except InvalidOperation:
        return UNMEANT
    if number.is_zero():
        return Decimal(0)
    return number if abs(number.adjusted()) <= DECIMAL_POWER_MAX else UNMEANT


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
