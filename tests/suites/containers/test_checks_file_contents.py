"""A container keeps the configs and secrets with which it was created."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from stackproof.facts.settings import content_digest
from stackproof.finding import Finding
from stackproof.suites.services import test_configuration as suite
from tests.shop import container, created, facts

COMPOSE = """
name: shop
services:
  web:
    image: app
    configs: [fixed, of-env-file, of-deploy, {source: file, target: /etc/file}, of-variable, gone]
    secrets: [password, {source: unset, target: /run/unset}]
configs:
  fixed: {content: "costs $$5\\n"}
  of-env-file: {content: "host: ${DB_HOST}"}
  of-deploy: {content: "level: ${LEVEL:-info}"}
  file: {file: ./app.conf}
  of-variable: {environment: DB_HOST}
  gone: {file: ./gone.conf}
secrets:
  password: {file: ./password}
  unset: {file: "./${UNSET}"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Environment:
    for name, text in {
        "compose.yaml": COMPOSE, "app.conf": "listen 80\n", "password": "s3cr3t\n",
        ".env": "DB_HOST=db\n", "shop.yaml": "compose: {files: compose.yaml}",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
    return load("shop", tmp_path, {"PATH": os.environ["PATH"]}, offline=True)


def test_contents_of_the_compose_files(shop: Environment) -> None:
    found = {
        path: (each.digest, each.origin)
        for path, each in shop.services["web"].file_contents.items()
    }
    assert found == {
        "/fixed": (content_digest(b"costs $5\n"), "file"),
        "/of-env-file": (content_digest(b"host: db"), "env-file"),
        "/of-deploy": (content_digest(b"level: info"), "deploy"),
        "/etc/file": (content_digest(b"listen 80\n"), "other-file"),
        "/of-variable": (content_digest(b"db"), "env-file"),
        "/gone": ("", "other-file"),
        "/run/secrets/password": (content_digest(b"s3cr3t\n"), "other-file"),
    }


def _said(
    shop: Environment, files: Mapping[str, bool], folder: str, engine: str
) -> tuple[str, list[str]]:
    """Return the end of the first line of the failure, and the warnings."""
    web, warnings = shop.services["web"], list[Finding]()
    creation = created(compose_files=(f"{folder}/compose.yaml",))
    there = container(
        creation=creation, same_files=files,
        unmounted_secrets=dict.fromkeys(shop.secret_paths(web), True),
    )  # fmt: skip
    try:
        suite.test_secret_files(
            web, there, shop, frozenset(), facts(engine=engine), warnings.append
        )
    except AssertionError as error:
        found = re.search("/[^ ]* created with another content", str(error))
        return found[0] if found else str(error), [each.observed for each in warnings]
    return "", [each.observed for each in warnings]


LOCAL, REMOTE = "unix:///var/run/docker.sock", "ssh://shop.example"
GONE = "no file here for /gone"


@pytest.mark.parametrize(
    ("path", "from_here", "from_elsewhere"),
    [
        ("/fixed", "F", "F"),
        ("/of-env-file", "F", ""),
        ("/of-variable", "F", ""),
        ("/of-deploy", "W", ""),
        ("/etc/file", "F", ""),
        ("/run/secrets/password", "F", ""),
    ],
)
def test_another_content(
    shop: Environment, tmp_path: Path, path: str, from_here: str, from_elsewhere: str
) -> None:
    failure = f"{path} created with another content"
    warning = f"{GONE}, another content of {path}"
    said = {"F": (failure, [GONE]), "W": ("", [warning]), "": ("", [])}
    assert _said(shop, {path: False}, str(tmp_path), LOCAL) == said[from_here]
    assert _said(shop, {path: False}, "/opt", LOCAL) == (
        failure if from_elsewhere == "F" else "", []
    )  # fmt: skip


def test_files_of_this_machine_are_not_those_of_another(shop: Environment, tmp_path: Path) -> None:
    """A checkout on a runner may be at the same path."""
    assert _said(shop, {"/etc/file": False}, str(tmp_path), REMOTE) == ("", [])


def test_the_same_contents(shop: Environment, tmp_path: Path) -> None:
    same = dict.fromkeys(shop.services["web"].file_contents, True)
    assert _said(shop, same, str(tmp_path), LOCAL) == ("", [GONE])
