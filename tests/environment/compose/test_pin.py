"""A pinned specification serves where Compose or the checkout is missing, and holds no secret."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from stackproof.environment.compose import command, pin, pinned
from stackproof.environment.compose.command import ComposeError
from stackproof.environment.compose.config import ComposeRun
from stackproof.environment.compose.pin import Pin
from stackproof.environment.loader import InvalidEnvironment, load
from stackproof.environment.model import Environment

COMPOSE = """
name: shop
services:
  web: {image: "app:${TAG}", ports: ["8080:80"], command: [serve, "--key=${API_KEY}"]}
  cache: {image: redis, command: [redis-server, --requirepass, "s3cr3t-of-cache"]}
  db: {image: postgres, secrets: [db_password, {source: ca, target: /etc/ca.pem}]}
secrets: {db_password: {file: ./password}, ca: {file: ./ca.pem}}
"""
VARIABLES = {"TAG": "2.1", "API_KEY": "n0t-for-f1les"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    directory = tmp_path / "environments"
    directory.mkdir()
    text = "compose: {files: compose.yaml}"
    (directory / "shop.yaml").write_text(text, encoding="utf-8")
    run = ComposeRun([tmp_path / "compose.yaml"])
    pin.write(pinned(run, VARIABLES), run, VARIABLES, pin.path_of("shop", directory))
    return directory


def _load(directory: Path, variables: Mapping[str, str]) -> Environment:
    return load("shop", directory, variables, offline=True)


def test_without_the_checkout(directory: Path) -> None:
    (directory.parent / "compose.yaml").unlink()
    shop = _load(directory, {})
    web = shop.services["web"]
    assert (shop.compose_project, web.image, web.publish) == ("shop", "app:2.1", ("8080:80",))


def test_without_compose(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find() -> tuple[str, ...]:
        raise ComposeError("there is no Compose v2 here")

    monkeypatch.setattr(command, "find", find)
    assert _load(directory, {}).services["web"].image == "app:2.1"


def test_no_secret_is_pinned(directory: Path) -> None:
    text = pin.path_of("shop", directory).read_text(encoding="utf-8")
    assert "2.1" in text
    assert "n0t-for-f1les" not in text
    assert "s3cr3t" not in text


def test_names_of_secrets_are_pinned(directory: Path) -> None:
    (directory.parent / "compose.yaml").unlink()
    assert _load(directory, {}).services["db"].secrets == ("db_password", "/etc/ca.pem")


def test_a_changed_source_is_a_warning(directory: Path) -> None:
    assert _load(directory, VARIABLES).origin.warnings == ()
    file = directory.parent / "compose.yaml"
    file.write_text(COMPOSE.replace("8080", "8081"), encoding="utf-8")
    shop = _load(directory, VARIABLES)
    assert shop.services["web"].publish == ("8081:80",)
    (warning,) = shop.origin.warnings
    assert warning.startswith("compose.yaml changed since ")
    assert warning.endswith("stackproof init --env shop --pin writes it again")


def test_every_file_that_compose_reads_is_a_source(tmp_path: Path) -> None:
    for name, text in {
        "compose.yaml": "include: [{path: [./db/compose.yaml, '${MORE:-more}.yaml']}, jobs.yaml]\n"
        "services: {web: {image: app, extends: {file: base.yaml, service: web}, ports: !reset []}}",
        "db/compose.yaml": "services: {db: {extends: {file: ../base.yaml, service: web}}}",
        "more.yaml": "services: {more: {image: more}}",
        "jobs.yaml": "include: [https://example.com/x.git]\nservices: {job: {image: job}}",
        "base.yaml": "services: {web: {image: app}}",
        ".env": "PASSWORD=hunter2\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    run = ComposeRun([tmp_path / "compose.yaml"])
    found = pin.digests(run, {})
    assert {name: len(digest) for name, digest in found.items()} == {
        "compose.yaml": 64, "db/compose.yaml": 64, "more.yaml": 64, "jobs.yaml": 64,
        "base.yaml": 64, ".env": 4,
    }  # fmt: skip
    changed = Pin(sources=found, specification={}, directory="").changed
    assert changed(run, {}) == []
    (tmp_path / "db" / "compose.yaml").write_text("services: {db: {image: db}}", encoding="utf-8")
    (tmp_path / ".env").unlink()
    assert changed(run, {}) == ["db/compose.yaml"]
    (tmp_path / ".env").write_text("PASSWORD=other\n", encoding="utf-8")
    assert changed(run, {}) == [".env", "db/compose.yaml"]


def test_a_file_that_is_no_pin(directory: Path) -> None:
    pin.path_of("shop", directory).write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidEnvironment, match=r"shop\.pin\.json: not a pinned specification"):
        _load(directory, VARIABLES)
