"""A provider that says again what it was sent, credential and all: in a body, a header, as the place to go on to."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatespec.providers.dialect import Asking

JSON = "application/json"


def echoed(credential: str, asked: Asking, form: str, status: int) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of such an answer; the form `reason` is for whoever writes the status line."""
    sent = {"error": {"message": f"bad credential {credential!r}", "path": asked.path, "headers": dict(asked.headers)}}
    body = json.dumps({**sent, "body": asked.body.decode("latin-1")}).encode()
    if form == "header":
        return status, b"", {"X-Debug-Credential": credential, "WWW-Authenticate": credential}
    if form == "redirect":
        return 302, b"", {"Location": f"/login?token={credential}"}
    if form == "gzip":
        return status, gzip.compress(body), {"Content-Type": JSON, "Content-Encoding": "gzip"}
    if form == "html":
        return status, b"<html><body><pre>" + body + b"</pre></body></html>", {"Content-Type": "text/html"}
    if form == "base64":
        return status, base64.b64encode(body), {"Content-Type": "text/plain"}
    return status, body, {"Content-Type": JSON if form == "json" else "text/plain"}
