"""What a child process is told of our environment: what it needs to run on this machine, and nothing more."""

from __future__ import annotations

import os
from pathlib import Path

import gatespec

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
DOCKER = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""Where the daemon is: whoever reaps containers has to find the one that they run on."""
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def base_environment() -> dict[str, str]:
    """For whatever is judged: no Python path, no proxy and no secret of the judge's leaks into it."""
    return {name: os.environ[name] for name in (*PASSED_ON, *CERTIFICATES) if name in os.environ}


def judge_environment() -> dict[str, str]:
    """For the judge's own Python processes: they find the very package that runs now, from any folder."""
    daemon = {name: os.environ[name] for name in DOCKER if name in os.environ}
    return {**base_environment(), **daemon, "PYTHONPATH": str(Path(gatespec.__file__).resolve().parent.parent)}
