"""The load generator k6, run to its end, and the account that it gives."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contest import CLIENTS, REQUESTS_MAX, Load
from gatespec.errors import unable
from gatespec.stack.environment import base_environment
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contest import Workload
    from gatespec.stack.nursery import Nursery

SCRIPT = Path(__file__).with_name("k6") / "reads.js"
SLACK_S = 30.0
"""Beyond the load itself: k6's start, its last requests (10 s at most), and a busy machine."""
OPTIONS = ("--quiet", "--no-usage-report", "--address", "")
"""No talk with its makers, and no control port of its own."""
QUIET = {"K6_NO_USAGE_REPORT": "true", "K6_AUTO_EXTENSION_RESOLUTION": "false"}


@dataclass(frozen=True)
class Generator:
    """Sends loads from a process of its own, which ends with the nursery."""

    nursery: Nursery
    tokens: Sequence[str]
    program: Path

    def send(self, workload: Workload, url: str, seconds: float) -> Load:
        """Load one server for about `seconds`; raise `unable` where k6 fails or takes much longer."""
        room = self.nursery.room("k6")
        plan, account = room / "plan.json", room / "account.json"
        account.unlink(missing_ok=True)
        plan.touch(mode=0o600)
        plan.write_text(json.dumps(self._plan(workload, url, seconds)), encoding="utf-8")
        env = {**base_environment(), **QUIET, "BENCH_PLAN": str(plan), "BENCH_ACCOUNT": str(account)}
        argv = (str(self.program), "run", *OPTIONS, str(SCRIPT))
        self.nursery.run(Command("k6", argv, room, env), at_most_s=seconds + SLACK_S)
        return read_account(account)

    def _plan(self, workload: Workload, url: str, seconds: float) -> dict[str, object]:
        return {
            "url": url,
            "seconds": seconds,
            "clients": CLIENTS,
            "requests_max": REQUESTS_MAX,
            "tokens": list(self.tokens[: workload.identities]),
            "conditional": workload.conditional,
        }


def find_k6() -> Path:
    """The binary beside this interpreter, else on PATH."""
    beside = Path(sys.executable).with_name("k6")
    found = beside if beside.is_file() else shutil.which("k6")
    if found is None:
        raise unable(
            "k6-missing",
            "the load generator k6 is not there",
            tried=f"{beside} and PATH",
            hint="`make setup` installs it from the lock file",
        )
    return Path(found)


def read_account(file: Path) -> Load:
    """Read what k6 wrote; its own sums must agree before anybody else's are looked at."""
    try:
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        load = Load(
            requests=said["requests"],
            seconds=said["seconds"],
            p50_ms=said["p50_ms"],
            p99_ms=said["p99_ms"],
            statuses={int(status): count for status, count in said["statuses"].items() if count},
            caches={outcome: count for outcome, count in said["caches"].items() if count},
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise unable("k6-account", f"k6 left no account that can be read: {error!r}") from error
    if not load.requests == sum(load.statuses.values()) == sum(load.caches.values()):
        raise unable("k6-account", f"k6 contradicts itself: {said}", hint="a status that the script does not list?")
    return load
