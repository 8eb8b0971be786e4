"""What a Compose file leaves out is as in the image."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.environment.services import Service
from stackproof.facts.settings import CommandLine, ImageDefaults, Settings
from stackproof.hint import up
from stackproof.suites.services import test_specification as suite
from tests import shop
from tests.suites.containers.test_checks_instances import finding_of
from tests.suites.specified import changed

SLEEP = CommandLine.of(("sleep", "100000"))
IMAGE = ImageDefaults(entrypoint=CommandLine.of(()), command=SLEEP, user="1000:1000")


def _settings() -> Settings:
    settings = changed().creation.settings
    assert settings
    return settings


def _service(**declared: Any) -> Service:
    return Service.model_validate({"name": "web", **declared})


def test_as_in_the_image() -> None:
    web = _service(image_defaults=["command", "entrypoint", "user"])
    suite.test_image_defaults(web, _settings(), IMAGE)


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ({"command": CommandLine.of(("serve", "--all"))},
         "web command: expected as in its image: serve --all, observed sleep 100000"),
        ({"user": ""}, "web user: expected as in its image: none, observed 1000:1000"),
    ],
)  # fmt: skip
def test_otherwise(image: dict[str, Any], line: str) -> None:
    web = _service(image_defaults=["command", "user"])
    found = finding_of(suite.test_image_defaults, web, _settings(), IMAGE.model_copy(update=image))
    assert (found.headline, found.hints) == (line, (up("web"),))


def test_another_entrypoint_leaves_no_command() -> None:
    web = _service(image_defaults=["command"], entrypoint=["/start"])
    found = finding_of(suite.test_image_defaults, web, _settings(), IMAGE)
    assert found.headline == "web command: expected as in its image: none, observed sleep 100000"


def test_an_empty_entrypoint_keeps_the_command() -> None:
    web = _service(image_defaults=["command", "user"], entrypoint=[])
    suite.test_image_defaults(web, _settings(), IMAGE)


def test_in_a_run(tmp_path: Path) -> None:
    environment = {"services": {"web": {"image_defaults": ["user"]}}}
    web = changed().model_copy(update={"name": "web"})
    image = IMAGE.model_copy(update={"user": "root"})
    observed = shop.facts(containers={"web": web}, image_defaults={"web": image})
    ran = shop.replay(tmp_path, environment, observed, "-k", "image_defaults")
    assert ran.results("shop") == {
        "specification.image_defaults[web]": (
            "FAIL", "web user: expected as in its image: root, observed 1000:1000"
        )
    }  # fmt: skip
