"""The paths under /api/ that are served, their names in logs and metrics, and where their ready bytes lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reference_gateway.edge.requests import Request

PROVIDERS: Final = "/api/v2/providers"
CATALOG: Final = f"{PROVIDERS}/catalog"
HEALTH: Final = f"{PROVIDERS}/health"
OFFER: Final = f"{PROVIDERS}/{{offer_id}}"
INTEGRATIONS: Final = f"{PROVIDERS}/config/integrations"
INTEGRATION: Final = f"{INTEGRATIONS}/{{provider}}"
OPENAPI: Final = "/api/v2/openapi.json"
AUTH: Final = "/api/v2/auth"
API_KEYS: Final = f"{AUTH}/api-keys"
API_KEY: Final = f"{API_KEYS}/{{id}}"
SIGN_IN: Final = tuple(f"{AUTH}/{name}" for name in ("login", "refresh", "logout", "service-token"))

OFFER_ID: Final = "[0-9a-f]{16}"
"""What is no id is no path of ours: it gets 404, as an id that nobody has."""

CATALOG_KEY: Final = b"\0catalog"

_FIXED = frozenset({PROVIDERS, CATALOG, INTEGRATIONS, OPENAPI, API_KEYS, *SIGN_IN})
_INTEGRATION = re.compile(rf"{INTEGRATIONS}/[^/]+")
_API_KEY = re.compile(rf"{API_KEYS}/[^/]+")
_OFFER = re.compile(rf"{PROVIDERS}/({OFFER_ID})")


def route_of(path: str) -> str | None:
    """Name the route of a path; None where nothing is served."""
    if path in _FIXED:
        return path
    if _INTEGRATION.fullmatch(path):
        return INTEGRATION
    if _API_KEY.fullmatch(path):
        return API_KEY
    return OFFER if _OFFER.fullmatch(path) else None


def offer_key(offer_id: str) -> bytes:
    """Where the ready bytes of one offer lie."""
    return b"\0offer" + offer_id.encode()


def ready_key(request: Request) -> bytes | None:
    """Where the ready bytes for a request lie, if there are any: by the query string just as it is spelled.

    Other keys hold a NUL, which no query string does.
    """
    if request.route == PROVIDERS:
        return request.query
    if request.query:
        return None
    if request.route == CATALOG:
        return CATALOG_KEY
    return offer_key(request.path.rpartition("/")[2]) if request.route == OFFER else None
