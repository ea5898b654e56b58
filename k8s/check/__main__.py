"""`make k8s-check`: every overlay is taken by a real API server, and every planted mistake is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from gatespec.errors import Exit, GatespecError, unable
from gatespec.stack.nursery import Nursery
from k8s.check.build import version
from k8s.check.cluster import ESTABLISH_S, Answer, ask, running
from k8s.check.planted import MISTAKES
from k8s.check.rendered import K8S, OVERLAYS, Manifest, named, overlay

if TYPE_CHECKING:
    from collections.abc import Iterator

CRDS = Path(__file__).with_name("external-secrets.yaml")
LOGS = K8S.parent / "out" / "k8s-check"
DRY = ("apply", "--dry-run=server", "-f", "-")


def main() -> int:
    """Check all; the exit code is 1 where a manifest is refused or a mistake is not, 3 where nothing could be asked."""
    try:
        with Nursery("tests", LOGS) as nursery, running(nursery) as server:
            wrong = list(_findings(server.kubeconfig))
    except GatespecError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"kube-apiserver {version()}: {', '.join(OVERLAYS)}, {len(MISTAKES)} planted mistakes\n")
    sys.stdout.writelines(f"wrong: {finding}\n" for finding in wrong)
    return Exit.BROKEN if wrong else Exit.HOLDS


def _findings(kubeconfig: Path) -> Iterator[str]:
    rendered = {name: overlay(name) for name in OVERLAYS}
    _prepare(kubeconfig, named(rendered["production"], "Namespace", "gatespec"))
    for name, manifests in rendered.items():
        answer = ask(kubeconfig, *DRY, given=manifests)
        if not answer.taken:
            yield f"{name} is not taken as it is:\n{_notable(answer)}"
    for mistake in MISTAKES:
        answer = ask(kubeconfig, *DRY, given=[mistake.plant(rendered[mistake.overlay])])
        if answer.taken or mistake.refusal not in answer.said:
            yield f"{mistake.what} ({mistake.kind} {mistake.name}) was not found; the answer was:\n{answer.said}"


def _prepare(kubeconfig: Path, namespace: Manifest) -> None:
    """Make for real what a dry run needs there: the namespace, and the kinds that an operator brings."""
    kinds = list(yaml.safe_load_all(CRDS.read_text(encoding="utf-8")))
    made = ask(kubeconfig, "apply", "-f", "-", given=[namespace, *kinds])
    wait = ("wait", "--for=condition=Established", f"--timeout={ESTABLISH_S}s", "crd", "--all")
    known = ask(kubeconfig, *wait)
    if not (made.taken and known.taken):
        raise unable("not-prepared", "the API server took neither namespace nor kinds", tried=made.said + known.said)


def _notable(answer: Answer) -> str:
    """What is not simply taken."""
    lines = answer.said.splitlines()
    return "\n".join(line for line in lines if not line.endswith("(server dry run)"))


if __name__ == "__main__":
    sys.exit(main())
