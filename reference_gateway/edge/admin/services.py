"""Services by commands: made, given another secret, revoked."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from reference_gateway.edge.admin.changing import changing, held, note, now
from reference_gateway.edge.auth.sessions import hash_of
from reference_gateway.store.models import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET_BYTES = 32


def create_service(service_id: str, scopes: Sequence[str]) -> str:
    """Make a service; its secret is shown this once. Raises `AccountsFailed`."""
    secret = _secret()
    service = Service(id=service_id, hash=hash_of(secret), scopes=" ".join(dict.fromkeys(scopes)), created_at=now())
    with changing("create the service"):
        service.save(force_insert=True)
    return _line(service, secret=secret)


def rotate_service(service_id: str) -> str:
    """Give a service another secret, and let it in again if it was revoked; the old secret is refused at once.

    Tokens that the old one got live on until they expire; `revoke_service` first ends them too.
    """
    secret = _secret()
    with changing("rotate the service's secret"):
        service = held(Service, service_id)
        service.hash, service.revoked_at = hash_of(secret), None
        service.save()
        note("service", service_id, in_force=False)
    return _line(service, secret=secret)


def revoke_service(service_id: str) -> str:
    """Refuse a service's secret and tokens, on every instance within 5 s."""
    with changing("revoke the service"):
        service = held(Service, service_id)
        service.revoked_at = service.revoked_at or now()
        service.save()
        note("service", service_id, in_force=True)
    return _line(service)


def _line(service: Service, **secret: str) -> str:
    said = {"service_id": service.id, "scope": service.scopes, "revoked": service.revoked_at is not None}
    return json.dumps({**said, **secret})


def _secret() -> str:
    return f"gs_{secrets.token_urlsafe(SECRET_BYTES)}"
