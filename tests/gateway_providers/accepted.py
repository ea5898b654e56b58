"""What the simulators accept, and nobody else: no secret."""

from __future__ import annotations

from reference_gateway.core.credentials.secret import Secret

KEY = "development-key-not-a-secret"
CLIENT_ID = "development-client"
CLIENT_SECRET = "development-secret-not-a-secret"  # noqa: S105 - as it says
CREDENTIAL = {"api_key": Secret(KEY), "client_id": Secret(CLIENT_ID), "client_secret": Secret(CLIENT_SECRET)}
"""Under the field names of every adapter; each reads its own."""
