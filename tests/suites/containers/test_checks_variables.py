"""A container with another value of a variable is judged by where the value comes from."""

import os
import re
from pathlib import Path

import pytest

from stackproof.environment.loader import load
from stackproof.environment.model import Environment
from stackproof.facts.settings import variable_digest
from stackproof.finding import Finding
from stackproof.suites.services import test_options as suite
from tests.shop import facts, replay
from tests.suites.specified import changed

COMPOSE = """
name: shop
services:
  web:
    image: app
    env_file: [app.env, {path: more.env, required: false}]
    environment:
      MODE: production
      DOLLARS: "$$5"
      EMPTY: ""
      HOST: "${DB_HOST}:5432"
      LEVEL: ${LOG_LEVEL:-info}
      TENANT: ${TENANT}
      TOKEN:
"""
HERE = ["MODE=production", "DOLLARS=$5", "EMPTY=", "HOST=db:5432", "LEVEL=info", "KEY=s3cr3t-one"]


@pytest.fixture
def shop(tmp_path: Path) -> Environment:
    for name, text in {
        "compose.yaml": COMPOSE,
        "app.env": "KEY=s3cr3t-one\n",
        ".env": "# of this machine\nexport DB_HOST=db\n",
        "shop.yaml": "compose: {files: compose.yaml}",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return load("shop", tmp_path, {"PATH": os.environ["PATH"]}, offline=True)


def _headline(failure: str) -> str:
    found = re.search("'headline': '([^']*)'", failure)
    return found[1] if found else failure


def _said(shop: Environment, variables: list[str], folder: str = "") -> tuple[str, list[str]]:
    """The first line of the failure and those of the warnings."""
    labels = {"com.docker.compose.project.config_files": f"{folder}/compose.yaml"}
    container = changed(
        Config={"Env": ["PATH=/bin", *variables], "Labels": labels if folder else {}}
    )
    warnings = list[Finding]()
    settings = container.creation.settings
    assert settings
    try:
        suite.test_variables(shop.services["web"], container, settings, shop, warnings.append)
    except AssertionError as failure:
        return _headline(str(failure)), [each.headline for each in warnings]
    return "", [each.headline for each in warnings]


def _here(shop: Environment) -> str:
    return shop.origin.project_directory


def test_same(shop: Environment) -> None:
    assert _said(shop, HERE, _here(shop)) == ("", [])
    assert _said(shop, [*HERE, "TENANT=acme", "TOKEN=x", "MORE=1"], _here(shop)) == ("", [])


def _changed(name: str) -> list[str]:
    assert any(each.startswith(f"{name}=") for each in HERE)
    return [f"{name}=other" if each.startswith(f"{name}=") else each for each in HERE]


@pytest.mark.parametrize("name", ["MODE", "DOLLARS", "EMPTY"])
def test_values_of_the_file_itself_fail(shop: Environment, name: str) -> None:
    line = (
        f"web variables: expected {name} as in the compose file, observed another value of {name}"
    )
    for folder in ("", "/opt/elsewhere", _here(shop)):
        assert _said(shop, _changed(name), folder) == (line, [])


@pytest.mark.parametrize("name", ["HOST", "KEY"])
def test_values_of_files_of_variables_fail_where_they_are_the_same_files(
    shop: Environment, name: str
) -> None:
    line = (
        f"web variables: expected {name} as in the compose file, observed another value of {name}"
    )
    assert _said(shop, _changed(name), _here(shop)) == (line, [])
    assert _said(shop, _changed(name), "/opt/elsewhere") == ("", [])


def test_values_that_the_deploy_decides_are_a_warning(shop: Environment) -> None:
    line = "web variables: expected LEVEL as in the compose file, observed another value of LEVEL"
    assert _said(shop, _changed("LEVEL"), _here(shop)) == ("", [line])
    assert _said(shop, _changed("LEVEL"), "/opt/elsewhere") == ("", [])


def test_a_variable_that_is_missing(shop: Environment) -> None:
    without = [each for each in HERE if not each.startswith("MODE=")]
    line = "web variables: expected MODE as in the compose file, observed no value of MODE"
    assert _said(shop, without, _here(shop)) == (line, [])


def test_in_a_run(tmp_path: Path) -> None:
    digest = variable_digest("MODE", "production")
    environment = {"services": {"web": {"variables": {"MODE": {"digest": digest}}}}}
    web = changed(Config={"Env": ["MODE=test"]}).model_copy(update={"name": "web"})
    ran = replay(tmp_path, environment, facts(containers={"web": web}), "-k", "test_variables")
    line = "web variables: expected MODE as in the compose file, observed another value of MODE"
    assert ran.results("shop") == {"options.variables[web]": ("FAIL", line)}


def test_no_value_is_kept(shop: Environment) -> None:
    settings = changed(Config={"Env": HERE}).creation.settings
    for text in (str(settings), str(shop.services["web"])):
        assert "s3cr3t" not in text
        assert "5432" not in text


def test_a_label_with_the_name_of_a_secret(tmp_path: Path) -> None:
    containers = {
        "web": changed(Config={"Labels": {"api_token": "hunter2-of-then"}}).model_copy(
            update={"name": "web"}
        )
    }
    environment = {"services": {"web": {"options": {"labels.api_token": "hunter2-of-now"}}}}
    ran = replay(tmp_path, environment, facts(containers=containers), "-k", "test_labels")
    line = "web labels api_token: expected [redacted], observed [redacted]"
    assert ran.results("shop") == {"options.labels[web]": ("FAIL", line)}
