"""Which packages, images and jars a folder names, and which of them must not be there.

Celery (with its messaging library Kombu) and ZooKeeper are named nowhere that a machine reads: Airflow schedules, and
Kafka runs by KRaft. Prose may speak of them, and so may comments. A word that only contains a name counts as well
(`apache-airflow-providers-celery`, `cp-zookeeper`, `KAFKA_ZOOKEEPER_CONNECT`, `CeleryExecutor`): each of these brings
or needs the forbidden thing, and no innocent package is spelt with one.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import yaml
from packaging.requirements import Requirement

from tests.repository.checkout import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORBIDDEN = re.compile(r"celery|kombu|zookeeper", re.IGNORECASE)
IMAGE_FILE = re.compile(r"(docker|container)file(\..+)?|.+\.dockerfile", re.IGNORECASE)
JAR_LIST = re.compile(r"pom.*\.xml|ivy.*\.xml|.+\.gradle(\.kts)?|.*jars?\b.*\.(toml|txt|json|lock|list|xml|sha256)")
REQUIREMENTS = re.compile(r"(requirements|constraints).*\.(txt|in)")
XML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
HASH_COMMENT = re.compile(r"(^|\s)#.*")
SLASH_COMMENT = re.compile(r"(^|\s)//.*")
WORDS_ONLY = ("spec", "docs")
"""Rooms of which nothing is installed or started: a YAML file there describes, and may say what is not used."""


def find_forbidden(root: Path) -> list[str]:
    """Every forbidden name in any file below `root` that a machine installs or starts from: `path: name`."""
    found = [(path, name) for path, names in names_read(root).items() for name in names if FORBIDDEN.search(name)]
    return [f"{path}: {name}" for path, name in dict.fromkeys(found)]


def names_read(root: Path) -> dict[str, list[str]]:
    """What each such file names, by its path: so that a test can see that it was read at all."""
    read = [(path, _reader(path)) for path in files(root) if path.relative_to(root).parts[0] not in WORDS_ONLY]
    return {str(path.relative_to(root)): list(reader(path)) for path, reader in read if reader}


def _reader(path: Path) -> Callable[[Path], Iterator[str]] | None:
    """How to read a file; None for one that nothing is installed or started from."""
    name = path.name
    if name == "uv.lock":
        return _locked
    if name == "pyproject.toml":
        return _declared
    if path.suffix in {".yml", ".yaml"}:
        return _scalars
    if path.suffix == ".jar":
        return lambda jar: iter([jar.name])
    lines = IMAGE_FILE.fullmatch(name) or JAR_LIST.fullmatch(name) or REQUIREMENTS.fullmatch(name)
    return _lines if lines else None


def _locked(path: Path) -> Iterator[str]:
    for package in tomllib.loads(path.read_text(encoding="utf-8"))["package"]:
        yield package["name"]
        yield from (f"{package['name']}[{extra}]" for extra in package.get("optional-dependencies", {}))


def _declared(path: Path) -> Iterator[str]:
    written: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    project = written.get("project", {})
    groups = [project.get("dependencies", []), written.get("build-system", {}).get("requires", [])]
    groups += [*project.get("optional-dependencies", {}).values(), *written.get("dependency-groups", {}).values()]
    for text in (text for group in groups for text in group if isinstance(text, str)):
        requirement = Requirement(text)
        yield from (requirement.name, *(f"{requirement.name}[{extra}]" for extra in sorted(requirement.extras)))


def _scalars(path: Path) -> Iterator[str]:
    """Compose files, manifests, workflows: each key and each value is an instruction, comments are not read."""
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        yield from _leaves(document)


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(key)
            yield from _leaves(value)
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value)
    else:
        yield str(node)


def _lines(path: Path) -> Iterator[str]:
    """Image files, lists of jars, requirements: one instruction a line, comments left out."""
    text = XML_COMMENT.sub("", path.read_text(encoding="utf-8"))
    for line in text.splitlines():
        if said := SLASH_COMMENT.sub("", HASH_COMMENT.sub("", line)).strip():
            yield said
