"""Whatever logs here, logs JSON lines, and keeps to itself what may be a secret."""

from __future__ import annotations

import io
import json
import logging
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from reference_gateway.edge import clock, logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "swordfish"  # noqa: S105 - nobody's


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """All lines since the test began; the process' own logging comes back in the end."""
    root, out = logging.getLogger(), io.BytesIO()
    handlers, level = list(root.handlers), root.level
    writer = logs.configure(out)

    def lines() -> list[dict[str, Any]]:
        assert writer.flush()
        return [json.loads(line) for line in out.getvalue().splitlines()]

    yield lines
    writer.close()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_an_exception_is_told_by_its_place_not_its_text(written: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("asyncio").exception("it broke")
    (line,) = written()
    assert (line["message"], line["level"], line["error"]) == ("it broke", "error", "ValueError")
    assert "test_edge_logs.py" in line["where"][-1]
    assert SECRET not in json.dumps(line)


def test_django_tells_no_path(written: Callable[[], list[dict[str, Any]]]) -> None:
    request_log = logging.getLogger("django.request")
    request_log.warning("%s: %s", "Not Found", f"/{SECRET}")
    request_log.error("%s: %s", "Service Unavailable", f"/{SECRET}")
    request_log.error("%s: %s", "Internal Server Error", f"/{SECRET}", exc_info=KeyError(SECRET))
    (line,) = written()
    assert (line["message"], line["level"], line["error"]) == ("django failed", "error", "KeyError")
    assert SECRET not in json.dumps(line)


def test_a_line_keeps_the_trace_and_odd_text(written: Callable[[], list[dict[str, Any]]]) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="0af7651916cd43dd8448eb211c80319c"):
        structlog.get_logger().warning("two\nlines \ud800", path=io, number=7)
        logging.getLogger("x").info("%s", "\x00")
    first, second = written()
    assert first["trace_id"] == second["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert first["number"] == 7
    assert second["message"] == "\x00"


def test_a_warning_is_a_line_too(written: Callable[[], list[dict[str, Any]]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("mind the gap", stacklevel=1)
    assert "mind the gap" in written()[0]["message"]


def test_a_moment_is_written_to_the_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_767_225_599_009_999_999)
    assert clock.timestamp() == "2025-12-31T23:59:59.009Z"
    monkeypatch.setattr("time.time_ns", lambda: 1_767_225_600_000_000_000)
    assert clock.timestamp() == "2026-01-01T00:00:00.000Z"
