"""A kube-apiserver made from Go modules, once for each version, kept outside the checkout.

`kube-apiserver/go.mod` names the version, and `go.sum` beside it the digest of every module that goes in.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gatespec.errors import unable

MODULE = Path(__file__).with_name("kube-apiserver")
BUILD_S = 3600
"""Some 8 minutes on two quiet cores, most of them for compiling a million lines."""


def version() -> str:
    """As the module says it: v1.34.4."""
    (found,) = re.findall(r"^\s*(?:require )?k8s\.io/kubernetes (v\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    return str(found)


def binary() -> Path:
    """Where it is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "gatespec" / f"kube-apiserver-{version()}" / "kube-apiserver"


def built() -> Path:
    """The binary, made now if it was not yet; raises where it cannot be made."""
    kept = binary()
    if not kept.is_file():
        sys.stderr.write(f"building kube-apiserver {version()} into {kept.parent}: once, some 10 minutes\n")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _build(Path(folder)).rename(kept)  # whole, or not there
    return kept


def _build(folder: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        hint = f"install Go 1.24 or newer, or put a kube-apiserver {version()} at {binary()}"
        raise unable("go-missing", "there is no `go` to build kube-apiserver with", tried="PATH", hint=hint)
    for name in ("go.mod", "go.sum"):
        shutil.copy(MODULE / name, folder)
    flags = f"-s -w -X k8s.io/component-base/version.gitVersion={version()}"
    argv = [
        go,
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        flags,
        "-o",
        str(folder),
        "k8s.io/kubernetes/cmd/kube-apiserver",
    ]
    env = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(argv, cwd=folder, env=env, timeout=BUILD_S, check=False)
    if done.returncode:
        hint = "Go fetches modules: is its proxy (`go env GOPROXY`) within reach, and is there 4 GB of room?"
        raise unable("apiserver-not-built", "kube-apiserver could not be built", tried=" ".join(argv), hint=hint)
    return folder / "kube-apiserver"
