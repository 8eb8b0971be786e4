"""What needs only the public network is selected by a marker, and needs nothing else indeed."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.fixtures.session.selection import requires
from tests.in_process import run
from tests.probes.http.sites import serving

SYNTHETIC = ("-m", "shop and synthetic")


def _declare(folder: Path, site: str, engine: str, **more: Any) -> str:
    environment = {
        "engine": {"address": engine},
        "services": {"api": {"healthcheck": "required"}, "nginx": {}},
        "nginx": {"service": "nginx"},
        "routes": {
            "home": {"url": f"http://{site}/", "service": "api"},
            "inside": {"url": "http://localhost/", "service": "api", "vantage": "server"},
        },
        **more,
    }
    folder.mkdir(exist_ok=True)
    (folder / "shop.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    return f"--environments={folder}"


def test_no_variable_that_leads_to_the_engine_has_to_be_set(tmp_path: Path) -> None:
    with serving(lambda _: (200, {}, b"")) as site:
        environments = _declare(tmp_path / "e", site.address, "ssh://${SHOP_USER}@${SHOP_HOST}")
        ran = run(tmp_path / "out", *SYNTHETIC, environments)
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output + ran.errors
    assert [check["id"] for check in ran.verdict("shop")["checks"]] == ["routes.status[home]"]
    assert ran.verdict("shop")["selection"] == "-m 'shop and synthetic'"


@pytest.mark.parametrize("selection", ["shop", "shop and not synthetic", "shop and routes"])
def test_whatever_else_is_selected_needs_them(tmp_path: Path, selection: str) -> None:
    environments = _declare(tmp_path / "e", "localhost", "ssh://${SHOP_USER}@${SHOP_HOST}")
    ran = run(tmp_path / "out", "-m", selection, environments)
    assert ran.exit_code == 4, ran.output
    assert ran.errors.strip() == (
        f"ERROR: {tmp_path}/e/shop.yaml:2: engine.address: "
        "variables SHOP_USER, SHOP_HOST are unset or empty"
    )


def test_no_connection_to_the_engine_is_tried(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as engine, serving(lambda _: (200, {}, b"")) as site:
        engine.bind(str(tmp_path / "engine.sock"))
        engine.listen()
        address = f"unix://{tmp_path}/engine.sock"
        environments = _declare(tmp_path / "e", site.address, address)
        ran = run(tmp_path / "out", *SYNTHETIC, environments, variables={"DOCKER_HOST": address})
        assert ran.exit_code == 0, ran.output
        engine.setblocking(False)
        with pytest.raises(BlockingIOError):
            engine.accept()


def test_what_production_is_looked_at_for_without_a_login(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "prod and synthetic", "--collect-only")
    assert ran.exit_code == 0, ran.errors
    collected = set(re.findall(r"(test_\w+)\.py::(test_\w+)\[prod-", ran.output))
    assert collected == {
        ("test_network", "test_closed"),
        ("test_routes", "test_status"),
        ("test_routes", "test_redirects"),
        ("test_routes", "test_upgrade"),
        ("test_routes", "test_identity"),
        ("test_routes", "test_forbidden_text"),
        ("test_routes", "test_latency"),
        ("test_tls", "test_trusted"),
        ("test_tls", "test_host_name"),
        ("test_tls", "test_dates"),
        ("test_tls", "test_version"),
    }
    assert "server-health" not in ran.output


@pytest.mark.parametrize(
    ("expression", "required"),
    [
        ("prod and synthetic", True),
        ("synthetic and (prod or staging) and not tls", True),
        ("prod and (synthetic or not tls)", False),
        ("prod and not synthetic", False),
        ("prod or synthetic", False),
        ("prod", False),
        ("prod and (synthetic", False),
        ("", False),
        ("a and b and c and d and e and f and g and h and i and synthetic", False),
    ],
)
def test_what_an_expression_requires(expression: str, required: bool) -> None:
    assert requires(expression, "synthetic") is required


def test_a_misspelt_marker(tmp_path: Path) -> None:
    ran = run(tmp_path / "out", "-m", "prod and syntetic")
    assert ran.exit_code == 4
    assert ran.errors.strip().endswith("; did you mean synthetic?")
