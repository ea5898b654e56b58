"""Celery, Kombu and ZooKeeper are in no lock file, jar list, image or manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.repository.checkout import ROOT
from tests.repository.forbidden_names import find_forbidden, names_read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INNOCENT: Mapping[str, str] = {
    "uv.lock": 'version = 1\n[[package]]\nname = "kafka-python"\n[[package]]\nname = "apache-airflow"\n',
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["redis>=5"]\n# "celery"\n',
    "docker/Dockerfile": "FROM debian:bookworm-slim\n# no zookeeper: Kafka runs by KRaft\nRUN apt-get install redis\n",
    "docker-compose.yml": "services: {kafka: {image: 'kafka:4'}}  # not zookeeper\n",
    "k8s/kafka.yaml": "kind: StatefulSet\n---\nspec: {image: 'kafka:4'}\n",
    "stack/jars.txt": "org.apache.kafka:kafka_2.13:4.4.0  # zookeeper is gone since 4.0\n",
    "pom.xml": "<project><!-- zookeeper left with 4.0 --><artifactId>kafka_2.13</artifactId></project>\n",
    "spec/asyncapi.yaml": "info: {description: 'Kafka in KRaft mode, never ZooKeeper'}\n",
    "docs/why.md": "Celery and ZooKeeper are not used.\n",
    "out/pom.xml": "<artifactId>zookeeper</artifactId>\n",
}
PLANTED = [
    ("uv.lock", '[[package]]\nname = "celery"\n', "celery"),
    ("uv.lock", '[[package]]\nname = "apache-airflow-providers-celery"\n', "apache-airflow-providers-celery"),
    ("uv.lock", '[[package]]\nname = "Kombu"\n', "Kombu"),
    ("pyproject.toml", '[dependency-groups]\nairflow = ["apache-airflow[celery]==3"]\n', "apache-airflow[celery]"),
    ("pyproject.toml", '[build-system]\nrequires = ["kombu"]\n', "kombu"),
    ("requirements-dags.txt", "django-celery-beat==2.8\n", "django-celery-beat==2.8"),
    ("docker/airflow.Dockerfile", "RUN pip install celery\n", "RUN pip install celery"),
    ("docker/Dockerfile.kafka", "FROM bitnami/zookeeper:3.9\n", "FROM bitnami/zookeeper:3.9"),
    (
        "compose.override.yaml",
        "services: {zk: {image: 'confluentinc/cp-zookeeper:7'}}\n",
        "confluentinc/cp-zookeeper:7",
    ),
    (
        "docker-compose.yml",
        "---\nservices: {kafka: {environment: {KAFKA_ZOOKEEPER_CONNECT: 'zk:2181'}}}\n",
        "KAFKA_ZOO",
    ),
    ("k8s/airflow.yml", "kind: A\n---\ndata: {AIRFLOW__CORE__EXECUTOR: CeleryExecutor}\n", "CeleryExecutor"),
    ("stack/jars.txt", "org.apache.zookeeper:zookeeper:3.9.4\n", "org.apache.zookeeper:zookeeper:3.9.4"),
    ("stack/kafka-jars.toml", 'jars = ["zookeeper-jute-3.9.4.jar"]\n', 'jars = ["zookeeper-jute-3.9.4.jar"]'),
    ("flink_jobs/pom.xml", "<artifactId>zookeeper</artifactId>\n", "<artifactId>zookeeper</artifactId>"),
    (".github/workflows/ci.yml", "jobs: {test: {services: {zk: {image: 'zookeeper:3.9'}}}}\n", "zookeeper:3.9"),
    ("lib/zookeeper-3.9.4.jar", "", "zookeeper-3.9.4.jar"),
]


@pytest.fixture
def innocent(tmp_path: Path) -> Path:
    for name, text in INNOCENT.items():
        write(tmp_path / name, text)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.write(text)


def test_the_checkout_names_none_of_them() -> None:
    assert find_forbidden(ROOT) == []


def test_lock_file_and_project_of_the_checkout_were_read() -> None:
    read = names_read(ROOT)
    assert {"apache-airflow", "apache-flink", "django", "redis"} <= set(read["uv.lock"])
    assert {"apache-airflow", "apache-flink", "hatchling", "typer"} <= set(read["pyproject.toml"])


def test_prose_and_comments_may_speak_of_them(innocent: Path) -> None:
    assert find_forbidden(innocent) == []


@pytest.mark.parametrize(("file", "line", "name"), PLANTED, ids=[f"{file}-{name}" for file, _, name in PLANTED])
def test_a_planted_name_is_found(innocent: Path, file: str, line: str, name: str) -> None:
    write(innocent / file, line)
    (found,) = find_forbidden(innocent)
    assert found.startswith(f"{file}: {name}")
