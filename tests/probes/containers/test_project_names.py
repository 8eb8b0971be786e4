"""A project that the Compose files do not name has the name of its folder, here and elsewhere."""

from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.environment.origin import Origin
from stackproof.facts.container import ListedContainer
from stackproof.probes.containers.instances import projects
from stackproof.probes.containers.project_names import as_deployed
from stackproof.unobserved import UnobservedError

SERVICES = {
    "web": {
        "image": "here-web",
        "networks": {"here_default": {}, "proxy": {}},
        "mounts": {
            "/data": {"source": "here_data"},
            "/etc/x": {"kind": "bind", "source": "/here_x"},
        },
        "options": {"ipv4_address.here_default": "172.30.0.9", "labels.here_default": "x"},
    },
    "db": {"image": "postgres"},
}


def _environment(*, guessed: bool = True) -> Environment:
    declared: dict[str, Any] = {
        "name": "shop", "compose_project": "here", "services": SERVICES,
        "networks": {"here_default": {}, "proxy": {}},
    }  # fmt: skip
    return Environment.model_validate(declared).from_origin(Origin(is_project_guessed=guessed))


def _listed(*projects: str) -> dict[str, ListedContainer]:
    return {
        f"{project}-{service}-1": ListedContainer(
            id="c0ffee", state="running", project=project, service=service, networks=()
        )
        for project in projects
        for service in SERVICES
    }


@pytest.mark.parametrize(
    ("there", "guessed", "project"),
    [
        (["here", "there"], True, "here"),
        (["there"], True, "there"),
        (["there"], False, "here"),
        ([], True, "here"),
    ],
)
def test_the_project_that_runs(there: list[str], guessed: bool, project: str) -> None:
    environment, listed = _environment(guessed=guessed), _listed(*there)
    web = as_deployed(environment.services["web"], environment, listed)
    assert set(web.networks or ()) == {f"{project}_default", "proxy"}
    assert web.image == f"{project}-web"
    sources = {path: mount.source for path, mount in (web.mounts or {}).items()}
    assert sources == {"/data": f"{project}_data", "/etc/x": "/here_x"}
    assert set(web.options) == {f"ipv4_address.{project}_default", "labels.here_default"}
    network = as_deployed(environment.networks["here_default"], environment, listed)
    assert network.name == f"{project}_default"


def test_the_run_says_which_one_it_verifies() -> None:
    assert projects(_environment(), _listed("there")).note == (
        "no container is of project here: the containers are those of there, "
        "the only project of the engine with all of the services"
    )


@pytest.mark.parametrize(
    ("services", "theirs"),
    [
        (["web"], ["web"]),
        (["web"], ["web", "cache", "worker"]),
        (["web", "db"], ["web", "db", "cache", "worker"]),
        (["web", "db"], ["db", "cache"]),
    ],
)
def test_a_project_that_may_be_unrelated(services: list[str], theirs: list[str]) -> None:
    """A folder whose project does not run, next to a project with services of such names."""
    declared = {
        "name": "shop", "compose_project": "here",
        "services": {each: {"image": each} for each in services},
    }  # fmt: skip
    environment = Environment.model_validate(declared).from_origin(Origin(is_project_guessed=True))
    listed = {
        f"other-{each}-1": ListedContainer(
            id="c0ffee", state="running", project="other", service=each, networks=()
        )
        for each in theirs
    }
    with pytest.raises(UnobservedError) as unobserved:
        projects(environment, listed)
    assert str(unobserved.value) == (
        "no container is of project here, and the services of other projects on the engine (other) "
        "have the same names: declare compose.project"
    )
