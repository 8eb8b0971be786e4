"""Environments with a flaky server, and the result of a watch."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stackproof.reports.availability.model import Watch
from tests.command_line import ROOT
from tests.faults import snapshots
from tests.flaky_server import FlakyServer
from tests.flaky_shop import server, shop

__all__ = ["server", "shop"]


@pytest.fixture
def environments(tmp_path: Path, server: FlakyServer) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    route = {
        "url": f"http://{server.address}/",
        "service": "api",
        "identity": {"fields": {"service": "api"}},
        "instance": {"field": "instance"},
    }
    inside = {"url": "http://localhost:1/", "service": "api", "vantage": "server"}
    shop = {"services": {"api": {}}, "routes": {"api": route, "inside": inside}}
    (folder / "shop.yaml").write_text(yaml.safe_dump(shop), encoding="utf-8")
    inside_only = {"services": {"api": {}}, "routes": {"inside": inside}}
    (folder / "inside.yaml").write_text(yaml.safe_dump(inside_only), encoding="utf-8")
    lost = {**shop, "ca_file": "none.pem"}
    (folder / "lost.yaml").write_text(yaml.safe_dump(lost), encoding="utf-8")
    away = {**shop, "resolve": {server.address: "224.0.0.1:80"}}
    (folder / "away.yaml").write_text(yaml.safe_dump(away), encoding="utf-8")
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Watch]:
    def read(environment: str = "shop") -> Watch:
        path = tmp_path / "out" / environment / "watch.json"
        return Watch.model_validate_json(path.read_text(encoding="utf-8"))

    return read


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with environments, and with a conftest.py that is not ours to load."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "environments").symlink_to(ROOT / "environments")
    (folder / "conftest.py").write_text("raise RuntimeError('of the application')\n")
    return folder


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("facts") / "facts.json"
    path.write_text(snapshots.read("container-restarted").model_dump_json(), encoding="utf-8")
    return f"--facts={path}"
