"""The health check of a container is the one that the Compose file specifies."""

from pathlib import Path

import pytest

from stackproof.environment.services import Service
from stackproof.facts.settings import CommandLine
from stackproof.suites.services import test_specification as suite
from stackproof.unobserved import UnobservedError
from tests import shop
from tests.suites.specified import changed

CURL = ["CMD", "curl", "-f", "http://localhost/health"]


def test_in_a_run(tmp_path: Path) -> None:
    environment = {"services": {name: {"healthcheck_test": CURL} for name in ("web", "api")}}
    containers = {
        "web": changed(Config={"Healthcheck": {"Test": CURL}}),
        "api": changed(Config={"Healthcheck": {"Test": ["CMD", "true"]}}),
    }
    named = {name: each.model_copy(update={"name": name}) for name, each in containers.items()}
    ran = shop.replay(
        tmp_path, environment, shop.facts(containers=named), "-k", "test_health_check and specif"
    )
    assert ran.results("shop") == {
        "specification.health_check[api]": (
            "FAIL",
            "api health check: expected CMD curl -f http://localhost/health, observed CMD true",
        )
    }


def test_old_snapshot() -> None:
    settings = changed().creation.settings
    assert settings
    assert settings.health_check == CommandLine.of(())
    with pytest.raises(UnobservedError, match="does not hold the commands of health checks"):
        suite.test_health_check(
            Service.model_validate({"name": "web", "healthcheck_test": CURL}),
            settings.model_copy(update={"health_check": None}),
        )
