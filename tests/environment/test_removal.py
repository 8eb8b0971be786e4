"""`key: null` removes what an extended file or a Compose file declares, in every mapping."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.environment.document.files import merge
from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from stackproof.schema.declared import Declared

BASE = """\
description: a shop
container_prefix: shop-
compose_project: shop
code_mounted: false
host: {disk_free: 0.2}
network: {subnet: 172.20.0.0/16}
networks: {shop_back: {internal: true}}
volumes: {shop_data: {external: true}}
outside: {host: shop.example, closed_ports: [5432]}
logging: {driver: json-file}
secrets: {directory: ./secrets}
forbid: [latest-tag]
deploy: {order: [web]}
resolve: {"shop.example:443": "127.0.0.1:8443"}
vantage: {control: "https://example.com/"}
services:
  web:
    ports: [80]
    limits: {memory: 1G}
    health: {path: /, fields: {status: ok}, headers: {X-Up: "1"}}
    networks: {shop_back: {aliases: [www]}}
    mounts: {/data: {source: shop_data}}
    ulimits: {nofile: 1024}
  spare: {image: "spare:1"}
  db: {ports: [5432]}
  cache: {ports: [6379]}
routes:
  home: {url: "https://shop.example/", service: web, headers: {Accept: text/html},
         identity: {fields: {a.b: c}, headers: {X-By: web}}, instance: {field: id},
         healthy: {text: ok}}
  spare: {url: "https://shop.example/spare", service: web}
datastores: {postgresql: {db: {user: a, database: b}}, redis: {cache: {}}}
commands: {up: {service: web, argv: [uptime], exit_code: 1, text: load, no_text: days}}
requests: {up: {service: web, port: 80, path: /up, fields: {a: b}}}
nginx: {service: web}
proxies: {caddy: {spare: {admin: "off"}}}
tls: {days_left: 3}
waivers: [{check: a.b, subject: web, reason: five, expires: 2026-12-31}]
"""
NEEDED = {("services",), ("services", "web"), ("services", "db"), ("services", "cache")}
"""Without these, other declarations lead nowhere. The last three are removed with them below."""


def _paths(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in data.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


DECLARED = yaml.safe_load(BASE)
PATHS = [path for path in _paths(DECLARED) if path not in NEEDED]


def _null(path: tuple[str, ...]) -> dict[str, Any]:
    value: Any = None
    for key in reversed(path):
        value = {key: value}
    return {"extends": "base", **value}


def _without(path: tuple[str, ...]) -> dict[str, Any]:
    data = yaml.safe_load(BASE)
    part = data
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return dict(data)


def _write(directory: Path, **files: object) -> None:
    for name, data in files.items():
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")


def _outcome(name: str, directory: Path) -> Environment | str:
    try:
        loaded = load(name, directory, {}, offline=True)
    except Exception as error:  # noqa: BLE001 - its text is compared
        return str(error).partition(": ")[2]
    return loaded.model_copy(update={"name": ""})


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_null_is_as_if_it_had_not_been_declared(path: tuple[str, ...], tmp_path: Path) -> None:
    _write(tmp_path, base=yaml.safe_load(BASE), over=_null(path), without=_without(path))
    over, without = _outcome("over", tmp_path), _outcome("without", tmp_path)
    assert over == without
    assert over != _outcome("base", tmp_path)


def test_a_service_with_what_refers_to_it(tmp_path: Path) -> None:
    over = {"extends": "base", "services": {"db": None}, "datastores": {"postgresql": {"db": None}}}
    _write(tmp_path, base=yaml.safe_load(BASE), over=over)
    loaded = load("over", tmp_path, {}, offline=True)
    assert loaded.services.keys() == {"web", "spare", "cache"}
    assert not loaded.datastores.of(_postgresql())


def test_a_removed_entry_can_be_declared_again_further_down(tmp_path: Path) -> None:
    _write(
        tmp_path,
        base=yaml.safe_load(BASE),
        over={"extends": "base", "routes": {"spare": None}},
        top={
            "extends": "over",
            "routes": {"spare": {"url": "https://shop.example/new", "service": "web"}},
        },
    )
    assert load("top", tmp_path, {}, offline=True).routes["spare"].url.endswith("/new")


def test_what_compose_files_specify(tmp_path: Path) -> None:
    """The specification of Compose files is merged in the same way."""
    specified = {"services": {"web": {"image": "web:1"}, "worker": {"image": "worker:1"}}}
    assert merge(specified, {"services": {"worker": None}}) == {
        "services": {"web": {"image": "web:1"}}
    }


def _postgresql() -> type[Any]:
    from stackproof.kinds.registry import DATASTORES

    return DATASTORES["postgresql"]


def test_every_mapping_of_the_model_is_here() -> None:
    """A new part of an environment file gets a case above."""
    declared = {field for field in DECLARED if isinstance(DECLARED[field], dict)}
    assert _mappings(Environment) - declared == {"engine", "compose"}


def _mappings(model: type[Declared]) -> set[str]:
    schema = model.model_json_schema()
    kinds = schema["$defs"]
    return {
        name
        for name, field in schema["properties"].items()
        if any(
            kinds.get(str(each.get("$ref", "")).rpartition("/")[2], each).get("type") == "object"
            for each in (field, *field.get("anyOf", ()))
        )
    }
