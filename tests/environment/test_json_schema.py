"""The JSON Schema accepts what the loader accepts, and rejects what a schema can reject."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from stackproof.environment.document.yaml_document import parse
from stackproof.environment.json_schema import FILE, json_schema
from stackproof.environment.loader import load
from tests.command_line import ROOT

VALIDATOR = Draft7Validator(json_schema())
INVALID = Path(__file__).parent / "invalid"
NOT_YAML = {
    "alias-unknown", "key-plain", "tag", "two-documents", "yaml", "yaml-tab",
}  # fmt: skip
"""An editor reports these without a schema."""
BEYOND_A_SCHEMA = {
    # What another value says.
    "container-twice", "datastore-undeclared", "deploy-undeclared", "health-port", "instance",
    "nginx-undeclared", "route-proxy", "route-undeclared",
    # Other files, and variables.
    "cycle-a", "cycle-b", "extends-inherited", "extends-missing", "memory-from-variable",
    "port-from-variables", "route-url-empty", "variable-unset", "variables-unset",
    # The form of an expression, of YAML, or of a number that is text.
    "control-character", "duplicate-key", "duplicate-service", "expression", "expression-open",
    "key-tag", "memory-enormous", "nested-expressions", "publish-zeros", "subnet",
}  # fmt: skip


class _Core(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `no` is text, and a date too."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _kind, _form in {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"0|[-+]?[1-9][0-9]*",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
    "null": r"~|null|Null|NULL|",
}.items():
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_form})$"), None)


def _mistakes(data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in VALIDATOR.iter_errors(data)]


def test_the_committed_schema_is_that_of_the_model() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == json_schema(), (
        f"run `python -m stackproof.environment.json_schema > {FILE.relative_to(ROOT)}`"
    )
    Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "file", sorted((ROOT / "environments").glob("*.yaml")), ids=lambda f: f.stem
)
def test_environments(file: Path) -> None:
    assert _mistakes(yaml.load(file.read_text(encoding="utf-8"), _Core)) == []  # noqa: S506
    assert _mistakes(parse(file).data) == [], "every scalar as text"


def test_what_the_schema_rejects() -> None:
    accepted, unreadable = set(), set()
    for file in INVALID.glob("*.yaml"):
        try:
            data = yaml.load(file.read_text(encoding="utf-8"), _Core)  # noqa: S506
        except yaml.YAMLError:
            unreadable.add(file.stem)
        else:
            if not _mistakes(data):
                accepted.add(file.stem)
    assert (accepted, unreadable) == (BEYOND_A_SCHEMA, NOT_YAML)


ACCEPTED = """\
description: 5
engine: {address: "ssh://${HOST}", key: null}
compose: {files: compose.yaml, profiles: [debug]}
code_mounted: "false"
host: {engine_version: 20.10, disk_free: "0.1", memory_available: "${FREE:-0.2}", overcommit: no}
network: {subnet: "fd00::/64"}
networks: {shop_back: {internal: true}, shop_front: }
volumes: {shop_data: , other: {external: yes}}
container_prefix: ""
services:
  web:
    ports: [80, "443", "${PORT}"]
    publish: [443, "127.0.0.1:8443:443", "[::1]:53/udp", 8080-8090:80, any:80, "${PORT:-1}:80"]
    limits: {cpus: "1.5", memory: 1073741824, memory_used: 1}
    health: {path: "/${X}", port: "8080", status: 204, text: 5}
    restart: on-failure:3
    one_shot: yes
    max_restarts: ${N}
    command: sh -c "exec app"
    entrypoint: [/init, 5]
    mounts: {/data: {source: shop_data, read_only: "no"}, /cache: }
    networks: {shop_back: {aliases: [web]}, shop_front: }
    ulimits: {nproc: 512, nofile: {soft: "1024", hard: 2048}}
    devices: [/dev/null]
    gpus: all
    shm_size: 64m
  empty: {gpus: [{count: all}, {count: 2, device_ids: ["0"]}], cap_add: []}
  quoted: {image: "app:${TAG}", restart: "no", healthcheck: "", limits: {memory: 1.5GiB}}
routes:
  a: {url: "http://${HOST}/", service: web, status: [200, "301"], identity: {fields: {ok: true}}}
  b: {url: "https://[::1]:8443/x?y=1#z", service: web, protected: "yes", budget_ms: 100}
resolve: {"*:443": "127.0.0.1:8443", "[::1]:80": "${TO}"}
waivers: [{check: a.b, subject: web, reason: 5, expires: 2026-12-31}]
"""
"""The loader accepts these values, or does once the variables are set."""


@pytest.mark.parametrize("form", ["typed", "text"])
def test_what_the_schema_accepts(form: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(ACCEPTED, encoding="utf-8")
    data = parse(file).data if form == "text" else yaml.load(ACCEPTED, _Core)  # noqa: S506
    assert _mistakes(data) == []


def test_the_loader_accepts_these_too(tmp_path: Path) -> None:
    text = ACCEPTED.replace("compose: {files: compose.yaml, profiles: [debug]}\n", "")
    (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
    variables = {
        "HOST": "example.com",
        "PORT": "80",
        "X": "x",
        "N": "1",
        "TAG": "1",
        "TO": "[::1]:1",
    }
    shop = load("shop", tmp_path, variables, offline=True)
    assert len(shop.services) == 3


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("routes: {a: {url: 'http://x/'}}", "'service' is a required property"),
        ("datastores: {postgresql: {db: {user: a}}}", "'database' is a required property"),
        ("outside: {host: example.com}", "'closed_ports' is a required property"),
        ("servces: {}", "('servces' was unexpected)"),
        ("services: {web: {prots: [80]}}", "$.services.web: "),
        ("services: {web: {code: dead}}", "$.services.web"),
        ("compose: {file: compose.yaml}", "$.compose: "),
    ],
)
def test_mistakes(text: str, mistake: str) -> None:
    data = {"services": {"web": None}, **yaml.load(text, _Core)}  # noqa: S506
    assert any(mistake in each for each in _mistakes(data)), _mistakes(data)


def test_an_environment_that_extends_another_needs_nothing() -> None:
    assert _mistakes({"extends": "prod", "routes": {"home": {"budget_ms": 5}}}) == []
    assert _mistakes({"compose": {}}) == []
    assert _mistakes({"description": "x"}) != []


def test_descriptions_are_the_docstrings() -> None:
    service = json_schema()["definitions"]["Service"]
    assert service["description"].startswith("A service of the stack")
    assert service["properties"]["models"]["description"] == (
        "Models that its Ollama must have. A name without a tag means `:latest`."
    )
    postgresql = json_schema()["definitions"]["Postgresql"]["properties"]
    assert postgresql["user"]["description"] == "The role that the stack uses."
