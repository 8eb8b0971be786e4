"""An engine that DOCKER_HOST or a context names is judged, or nothing is: never the one here."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.in_process import run

CLOSED_PORT = "tcp://127.0.0.1:1"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    (tmp_path / "shop.yaml").write_text("services: {api: {healthcheck: required}}\n")
    return f"--environments={tmp_path}"


def _context(folder: Path) -> dict[str, str]:
    meta = folder / "contexts" / "meta" / sha256(b"far").hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": CLOSED_PORT}}}))
    (folder / "config.json").write_text('{"currentContext": "far"}')
    return {"DOCKER_CONFIG": str(folder)}


@pytest.mark.parametrize("source", ["DOCKER_HOST", "context far"])
def test_a_dead_engine_is_unknown(source: str, shop: str, tmp_path: Path) -> None:
    host = {"DOCKER_HOST": CLOSED_PORT}
    variables = host if source == "DOCKER_HOST" else _context(tmp_path / "docker")
    ran = run(tmp_path / "out", "-m", "shop", shop, variables=variables)
    assert ran.exit_code == 6, ran.output + ran.errors
    assert {outcome for outcome, _ in ran.results("shop").values()} == {"UNKNOWN"}
    assert f"engine {CLOSED_PORT} ({source}): connection refused" in " ".join(ran.output.split())


def test_an_address_that_cannot_be_used(shop: str, tmp_path: Path) -> None:
    variables = {"DOCKER_HOST": "npipe:////./pipe/docker_engine"}
    ran = run(tmp_path / "out", "-m", "shop", shop, variables=variables)
    assert ran.exit_code == 4
    assert ran.errors == (
        "ERROR: DOCKER_HOST: expected an engine such as unix:///var/run/docker.sock or "
        "ssh://user@host:22\n\n"
    )
    collected = run(tmp_path / "out", "-m", "shop", shop, "--collect-only", variables=variables)
    assert collected.exit_code == 0, collected.errors
