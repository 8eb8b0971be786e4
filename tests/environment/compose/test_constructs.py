"""Constructs of public Compose files, and what they specify: each is one field, or none."""

from collections.abc import Mapping
from typing import Any

import pytest

from stackproof.environment.services import Service
from tests.environment.compose.conftest import Load

ANCHORS = """
x-common: &common
  image: app
  environment: &env {TZ: UTC, MODE: web}
services:
  web:
    <<: *common
    environment: {<<: *env, MODE: worker}
    develop: {watch: [{action: rebuild, path: .}]}
"""
# By construct: the files, and fields of the service `web`.
CASES: Mapping[str, tuple[str | Mapping[str, str], dict[str, Any]]] = {
    "anchors": (ANCHORS, {"image": "app", "variables": ["MODE", "TZ"]}),
    "gpus": ("gpus: all", {"gpus": 1}),
    "credentials": ("credential_spec: {file: x.json}, isolation: default", {"options": []}),
    "hooks": (
        "post_start: [{command: 'true'}], pre_stop: [{command: 'true'}], attach: false, "
        "annotations: {a: b}, pull_policy: missing, platform: linux/amd64",
        {"options": ["annotations.a"]},
    ),
    "swarm": (
        "deploy: {placement: {constraints: [node.role==manager]}, endpoint_mode: vip, "
        "labels: {x: y}, update_config: {parallelism: 2}, "
        "resources: {reservations: {cpus: '0.2', memory: 20m}}}",
        {"options": ["mem_reservation"], "instances": 1},
    ),
    "start-interval": (
        "healthcheck: {test: exit 0, interval: 1m, start_interval: 1s}",
        {"options": ["healthcheck.interval", "healthcheck.start_interval"],
         "healthcheck": "required"},
    ),
    "storage": (
        "storage_opt: {size: 1G}, blkio_config: {weight: 300}, cgroup: private, "
        "use_api_socket: true",
        {"options": ["blkio_config.weight", "cgroup", "storage_opt.size"]},
    ),
    "volumes": (
        "volumes: [{type: volume, source: d, target: /d, volume: {subpath: a/b, nocopy: true}}, "
        "{type: image, source: app, target: /i}, {type: bind, source: /srv, target: /s, "
        "bind: {propagation: rslave}}, /anonymous]",
        {"mounts": ["/anonymous", "/d", "/s"], "options": ["propagation./s"]},
    ),
    "secrets": (
        "secrets: [a, {source: b, target: /x/y, mode: 0400}]",
        {"secrets": ["a", "/x/y"]},
    ),
    "scalars": (
        "cpus: 0.5, mem_limit: 64m, pids_limit: 50, tty: yes, privileged: no, shm_size: 32mb",
        {"options": ["tty"], "granted": []},
    ),
    "raw-env-file": (
        {"compose.yaml": "services: {web: {image: app, env_file: [{path: r.env, format: raw}]}}",
         "r.env": "A=$x'y\n"},
        {"variables": ["A"]},
    ),
    "label-file": (
        {"compose.yaml": "services: {web: {image: app, label_file: l.txt}}", "l.txt": "team=x\n"},
        {"options": ["labels.team"]},
    ),
    "interpolation": (
        "environment: {A: '${A:-b}', B: '$$HOME', C: '${C:+set}', D: 'x-${D:-${E:-f}}', F: null}",
        {"variables": ["A", "B", "C", "D"]},
    ),
    "unset": ("environment: {A: '$A'}, labels: [a=$A, b=c], hostname: $B", {"options": []}),
}  # fmt: skip
_SECTIONS = "volumes: {d: {}}\nsecrets: {a: {external: true}, b: {environment: HOME}}\n"


def _shown(service: Service, field: str) -> Any:
    value = getattr(service, field)
    if field == "gpus":
        return len(value)
    if isinstance(value, Mapping):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", CASES)
def test_construct(stack: Load, name: str) -> None:
    written, expected = CASES[name]
    if isinstance(written, str) and "services:" not in written:
        written = f"services: {{web: {{image: app, {written}}}}}\n{_SECTIONS}"
    web = stack(written).services["web"]
    assert {field: _shown(web, field) for field in expected} == expected


def test_what_a_provider_runs_has_no_container(stack: Load) -> None:
    shop = stack(
        "services: {web: {image: app, depends_on: [llm], models: [small]}, "
        "llm: {provider: {type: model, options: {model: ai/x}}}}\nmodels: {small: {model: ai/y}}"
    )
    assert list(shop.services) == ["web"]


def test_overrides_of_other_files(stack: Load) -> None:
    files = {
        "compose.yaml": "services: {web: {image: app, ports: ['80:80'], labels: {a: '1'}, "
        "environment: {A: b}, mem_limit: 1g}}",
        "prod.yaml": "services: {web: {ports: !override ['81:80'], environment: !reset null, "
        "mem_limit: !reset null}}",
    }
    web = stack(files, "compose: {files: [compose.yaml, prod.yaml]}").services["web"]
    assert (web.publish, dict(web.variables), web.limits.memory) == (("81:80",), {}, None)
    assert dict(web.options) == {"labels.a": "1"}


def test_a_project_that_is_included_has_its_own_directory(stack: Load) -> None:
    files = {
        "compose.yaml": "include: [{path: more.yaml, env_file: more.env}]\n"
        "services: {web: {image: app}}",
        "more.yaml": "services: {job: {image: 'app:${TAG}', command: run $N, "
        "volumes: ['./data:/data']}}",
        "more.env": "TAG=3\nN=4\n",
    }
    job = stack(files).services["job"]
    assert (job.image, job.command, list(job.mounts or ())) == ("app:3", ("run", "4"), ["/data"])
