"""Compose's error messages quote values. Ours name the variables instead."""

from pathlib import Path

import pytest

from stackproof.environment.loader import InvalidEnvironment
from tests.environment.compose.conftest import Load

VALUE = "hunter2-of-shop"


@pytest.mark.parametrize(
    ("service", "env_file", "said"),
    [
        ("ports: ['${PORT}:80']", f"PORT={VALUE}", "invalid hostPort: ${PORT}"),
        ("mem_limit: '${MEMORY:-1g}'", f"MEMORY='{VALUE}'", 'parsing "${MEMORY}"'),
        ("deploy: {replicas: '${COUNT}'}", f"export COUNT={VALUE}", 'parsing "${COUNT}"'),
        ("user: x", f'DB_PASSWORD="{VALUE}', "line 1: unterminated quoted value"),
        ("user: x", f"!{VALUE}", 'unexpected character "!" in variable name'),
    ],
)
def test_values_of_files_of_variables(stack: Load, service: str, env_file: str, said: str) -> None:
    files = {"compose.yaml": f"services: {{web: {{image: app, {service}}}}}", ".env": env_file}
    with pytest.raises(InvalidEnvironment) as raised:
        stack(files)
    assert said in str(raised.value)
    assert VALUE not in str(raised.value)


def test_values_of_the_process(stack: Load, tmp_path: Path) -> None:
    compose = "services: {web: {image: app, ports: ['${PORT}:80']}}"
    with pytest.raises(InvalidEnvironment) as raised:
        stack(compose, variables={"PORT": VALUE, "OTHER": "invalid"})
    assert str(raised.value).endswith("invalid hostPort: ${PORT}")
    assert str(tmp_path) not in str(raised.value).partition(": ")[2]


PROFILES = "services: {web: {image: a}, mail: {image: b, profiles: [mail, all]}}"


def test_a_profile_may_depend_on_a_variable(stack: Load) -> None:
    compose = "services: {web: {image: a}, mail: {image: b, profiles: ['$KIND']}}"
    environment = "compose: {files: compose.yaml, profiles: [mail]}"
    assert {*stack(compose, environment).services} == {"web"}


@pytest.mark.parametrize(
    ("compose", "profiles", "said"),
    [
        (PROFILES, ["mial"], "no service has the profile 'mial'; the profiles are all, mail"),
        (PROFILES, ["mail", "gpu"], "no service has the profile 'gpu'; the profiles are all, mail"),
        (
            "services: {web: {image: a}}",
            ["all"],
            "no service has the profile 'all'; there are none",
        ),
    ],
)
def test_a_profile_that_no_service_has(
    stack: Load, compose: str, profiles: list[str], said: str
) -> None:
    """Compose ignores it, and its services would not be verified."""
    with pytest.raises(InvalidEnvironment) as raised:
        stack(compose, f"compose: {{files: compose.yaml, profiles: {profiles}}}")
    assert str(raised.value).endswith(said)
