"""Caddy without its admin API, with other clients, variables and configurations."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import shapes, stack
from lab.engine.compose import command
from lab.engine.daemon import docker
from lab.process import run
from lab.shapes import PROXIES
from tests import in_process

pytestmark = pytest.mark.live

PROJECT = "stackproof-caddy"
IMAGE = "stackproof-lab/caddy:1"  # has curl and bash
SITE = "http://shop.test {\n\treverse_proxy shop:8000\n}\n"
FILE = "/etc/caddy/Caddyfile"
CHECKS = {
    "caddy.config_valid[edge]", "caddy.config_loaded[edge]", "caddy.upstreams[edge]",
    "caddy.routed[home]", "caddy.log[edge]", "routes.status[home]",
}  # fmt: skip

Verify = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def images() -> Iterator[None]:
    """The images of the lab's proxies."""
    stack.up(PROXIES)
    yield
    stack.take_down(shapes.PROXIES)


@pytest.fixture
def verify(images: None, tmp_path: Path) -> Iterator[Verify]:
    """Starts a Caddy, and verifies it; returns what does not pass."""
    file = tmp_path / "compose.yaml"
    compose = (*command(), f"--project-name={PROJECT}", f"--file={file}")

    def check(caddyfile: str = SITE, *, declared: dict[str, Any], **edge: Any) -> dict[str, str]:
        service = {
            "image": IMAGE, "networks": {"default": {"ipv4_address": "172.29.2.80"}},
            "configs": [{"source": "file", "target": FILE}], **edge,
        }  # fmt: skip
        shop = {"image": "stackproof-lab/shop:1"}
        network = {"ipam": {"config": [{"subnet": "172.29.2.0/24"}]}}
        file.write_text(
            yaml.safe_dump(
                {
                    "services": {"edge": service, "shop": shop},
                    "networks": {"default": network},
                    "configs": {"file": {"content": caddyfile.replace("$", "$$")}},
                }
            )
        )
        run(*compose, "up", "--detach", "--force-recreate", deadline=60)
        script = (
            "until (: </dev/tcp/127.0.0.1/80 && : </dev/tcp/shop/8000) 2>/dev/null; "
            "do sleep 0.05; done"
        )
        docker("exec", f"{PROJECT}-edge-1", "timeout", "20", "bash", "-c", script)
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        environment = {
            "compose_project": PROJECT,
            "services": {"edge": {"ports": [80]}, "shop": {"ports": [8000]}},
            "proxies": {"caddy": {"edge": declared}},
            "resolve": {"shop.test:80": "172.29.2.80:80"},
            "routes": {"home": {"url": "http://shop.test/", "service": "shop"}},
        }
        (folder / "shop.yaml").write_text(yaml.safe_dump(environment))
        ran = in_process.run(
            tmp_path / "out", "-m", "shop and (caddy or routes)", f"--environments={folder}"
        )
        assert {each["id"] for each in ran.verdict("shop")["checks"]} <= CHECKS
        return {check: line for check, (_, line) in ran.results("shop").items()}

    yield check
    run(*compose, "down", "--timeout=0", deadline=60)


OFF = (
    "Caddy's admin API cannot be asked: it is off in its configuration (admin off); "
    "declare admin: off"
)


def test_without_the_admin_api(verify: Verify) -> None:
    found = verify("{\n\tadmin off\n}\n" + SITE, declared={})
    assert found == dict.fromkeys(
        ("caddy.config_loaded[edge]", "caddy.upstreams[edge]", "caddy.routed[home]"),
        f"could not be evaluated: {OFF}",
    )
    assert verify("{\n\tadmin off\n}\n" + SITE, declared={"admin": "off"}) == {}


def test_an_admin_api_at_another_address(verify: Verify) -> None:
    assert verify("{\n\tadmin localhost:2020\n}\n" + SITE, declared={}) == {}
    assert verify("{\n\tadmin unix//run/caddy.sock\n}\n" + SITE, declared={}) == {}


def test_without_curl(verify: Verify) -> None:
    assert verify(declared={}, volumes=["/dev/null:/usr/bin/curl:ro"]) == {}


def test_variables(verify: Verify) -> None:
    """Those of the container are known; those that only an entrypoint sets are not."""
    site = SITE.replace("shop:8000", "{$UPSTREAM}")
    assert verify(site, declared={}, environment={"UPSTREAM": "shop:8000"}) == {}
    start = f"export UPSTREAM=shop:8000; caddy run --config {FILE}; exit"
    found = verify(site, declared={}, entrypoint=["sh", "-c", start.replace("$", "$$")])
    reason = "could not be evaluated: its configuration on disk "
    assert found["caddy.config_loaded[edge]"].startswith(reason)


def test_a_configuration_in_json(verify: Verify) -> None:
    handler = {"handler": "reverse_proxy", "upstreams": [{"dial": "shop:8000"}]}
    servers = {"web": {"listen": [":80"], "routes": [{"handle": [handler]}]}}
    text = json.dumps({"apps": {"http": {"servers": servers}}}, indent=1)
    config = [{"source": "file", "target": "/etc/caddy/caddy.json"}]
    started = ["caddy", "run", "--config=/etc/caddy/caddy.json"]
    assert verify(text, declared={}, configs=config, command=started) == {}


def test_a_file_that_is_declared(verify: Verify) -> None:
    found = verify(declared={"config": "/etc/caddy/other"})
    assert found.keys() == {"caddy.config_valid[edge]", "caddy.config_loaded[edge]"}


def test_a_log_elsewhere(verify: Verify) -> None:
    logs = "{\n\tlog {\n\t\toutput file /tmp/caddy.log\n\t}\n}\n"
    assert verify(logs + SITE, declared={}) == {
        "caddy.log[edge]": "could not be evaluated: Caddy does not log to its container's output: "
        "to /tmp/caddy.log"
    }
