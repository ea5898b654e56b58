"""The manifests as an overlay makes them, by the kubectl that the lock file brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from gatespec.errors import unable

Manifest = dict[str, Any]

K8S = Path(__file__).resolve().parents[1]
OVERLAYS = tuple(sorted(path.name for path in (K8S / "overlays").iterdir() if path.is_dir()))
KUBECTL = Path(sys.executable).with_name("kubectl")
RENDER_S = 60


def kubectl() -> Path:
    """The kubectl of this environment; raises where it is not there."""
    if not KUBECTL.is_file():
        raise unable("kubectl-missing", f"there is no {KUBECTL}", hint="the group `dev` brings it: `make setup`")
    return KUBECTL


def render(folder: Path) -> list[Manifest]:
    """Every object of a kustomization."""
    argv = [str(kubectl()), "kustomize", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=RENDER_S, check=False)
    if done.returncode:
        raise unable("not-rendered", f"{folder} cannot be rendered", tried=f"kubectl kustomize; it said: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def overlay(name: str) -> list[Manifest]:
    """Every object of one overlay."""
    return render(K8S / "overlays" / name)


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one of this kind and name."""
    (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found
