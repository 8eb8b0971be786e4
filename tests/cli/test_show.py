"""`stackproof show` prints the specification, the origin of each value, and no secret."""

from pathlib import Path

import pytest
import yaml

from stackproof.cli.command_line import main

COMPOSE = """
name: shop
services:
  web: {image: "app:1", ports: ["${PORT}:80"], restart: always}
  cache: {image: redis, command: [redis-server, --requirepass, s3cr3tofcache, --bind, "0.0.0.0"]}
"""
ENVIRONMENT = """
# The shop.
compose: {files: compose.yaml}
services: {web: {restart: "no"}}
engine: {address: "${SHOP_ENGINE:-unix:///run/shop.sock}"}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "shop.yaml").write_text(ENVIRONMENT, encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    return tmp_path


def _shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["show", *arguments]) == 0
    return capsys.readouterr().out


def test_each_value_has_its_origin(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split() for line in _shown(capsys, "shop").splitlines()]
    assert ["image:", "app:1", "#", "compose.yaml"] in lines
    assert ["restart:", "no", "#", "environments/shop.yaml:4"] in lines
    left_open = "# publish is not specified # depends on PORT, unset"
    assert left_open.split() in lines


def test_the_output_is_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    shown = yaml.safe_load(_shown(capsys, "shop"))
    assert shown["compose_project"] == "shop"
    assert shown["services"]["web"]["image"] == "app:1"
    assert shown["engine"] == {"address": "unix:///run/shop.sock"}


def test_an_engine_whose_variables_are_unset_is_left_out(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    file = project / "environments" / "shop.yaml"
    file.write_text(ENVIRONMENT.replace(":-unix:///run/shop.sock", ""), encoding="utf-8")
    last = _shown(capsys, "shop").splitlines()[-1]
    assert last.startswith("# engine is left out: environments/shop.yaml:5: engine.address: ")
    assert last.endswith("variable SHOP_ENGINE is unset or empty")


def test_secrets_are_not_shown(
    capsys: pytest.CaptureFixture[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "not-even-a-key")
    file = project / "environments" / "shop.yaml"
    keyed = ENVIRONMENT.replace("engine: {", 'engine: {key: "${SHOP_KEY}", ')
    file.write_text(keyed, encoding="utf-8")
    shown = _shown(capsys, "shop")
    assert "not-even-a-key" not in shown
    assert "s3cr3t" not in shown


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "shopp"]) == 4
    errors = capsys.readouterr().err
    assert errors.startswith("stackproof: no environment 'shopp' in environments/; did you mean ")
    assert errors.count("\n") == 1
