"""The containers are the ones that were specified: their number, their origin, their image."""

import re
from collections.abc import Mapping

from environments.model import Environment
from environments.services import Service
from fixtures.collection import declares
from fixtures.facts import Container, Listed
from fixtures.images import in_full
from reports.finding import finding
from reports.hint import command

_ID_SHOWN = len("sha256:") + 12


def test_instances(service: Service, container: Container, listed: Mapping[str, Listed]) -> None:
    """A leftover instance serves old code to a share of the requests, or works the same queue."""
    instances = {
        name: each.state
        for name, each in sorted(listed.items())
        if name == service.container
        or re.fullmatch(rf"{re.escape(service.container)}[-_]\d+", name)
        or (each.service == service.name and each.project == container.creation.compose_project)
    }
    others = sorted(instances.keys() - {service.container, container.name})
    assert not others, finding(
        service,
        "instances",
        expected=f"{container.name} alone",
        observed=f"{', '.join(others)} too",
        evidence={"instances": "\n".join(f"{name} {state}" for name, state in instances.items())},
        hint=command("docker inspect {}", others) + ", then stop what does not belong there",
    )


@declares("container_prefix")
def test_undeclared(stack: Environment, listed: Mapping[str, Listed]) -> None:
    """A container that no one declared holds memory, ports and secrets, and nobody watches it."""
    declared = {service.container for service in stack.services.values()}
    # A slash is in the names that an old-fashioned link gives a container besides its own.
    undeclared = {
        name: each
        for name, each in sorted(listed.items())
        if name.startswith(stack.container_prefix) and name not in declared and "/" not in name
    }
    assert not undeclared, finding(
        stack,
        "undeclared containers",
        expected="none",
        observed=", ".join(undeclared),
        evidence={
            name: " ".join(filter(None, (each.state, each.project, each.service)))
            for name, each in undeclared.items()
        },
        hint=command("docker inspect {}", undeclared) + ", then declare it or stop it",
    )


@declares("environment.compose_file")
def test_origin(service: Service, container: Container, environment: Environment) -> None:
    """Made by hand or from another file, it is replaced by something else at the next deploy."""
    made = container.creation
    of_project = environment.compose_project in ("", made.compose_project)
    first, *laid_over = made.compose_files or ("",)
    as_declared = (
        of_project
        and _is_of(environment, first, environment.compose_file)
        and all(
            any(_is_of(environment, file, each) for each in environment.compose_overrides)
            for file in laid_over
        )
    )
    assert as_declared, finding(
        service,
        "origin",
        expected=" of ".join(filter(None, (environment.compose_file, environment.compose_project))),
        observed=f"{' and '.join(made.compose_files)} of {made.compose_project}"
        if made.compose_files
        else "not made by Compose",
        hint=command("docker compose -f {} up -d {}", environment.compose_file, service.name),
    )


@declares("image")
def test_image(service: Service, container: Container) -> None:
    """Another image is another program, however well it answers."""
    image = container.creation.image
    assert in_full(image) == in_full(service.image), finding(
        service,
        "image",
        expected=service.image,
        observed=image,
        evidence={"image id": container.creation.image_id},
        hint=command(
            "mend the image in the compose file, then docker compose up -d {}", service.name
        ),
    )


def test_stale(service: Service, container: Container, tagged_image: str | None) -> None:
    """Pulled but never recreated: the deploy looks done, and the old code still serves."""
    image, running = container.creation.image, container.creation.image_id
    assert tagged_image == running, finding(
        service,
        "image in use",
        expected=f"{tagged_image[:_ID_SHOWN]}, which {image} is now"
        if tagged_image
        else f"an image that is still called {image}",
        observed=running[:_ID_SHOWN],
        evidence={"image id": running, f"id of {image}": tagged_image},
        hint=command("docker compose up -d {}", service.name),
    )


def _is_of(environment: Environment, path: str, declared: str) -> bool:
    if environment.checkout:
        return path == f"{environment.checkout.rstrip('/')}/{declared}"
    return f"/{path}".endswith(f"/{declared}")
