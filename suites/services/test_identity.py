"""The containers are the specified ones: their number, their origin and their image."""

import re
from collections.abc import Callable, Mapping, Sequence

from stackproof.environment.model import Environment
from stackproof.environment.practices import Practice
from stackproof.environment.services import Service
from stackproof.facts.container import Container, Creation, ListedContainer
from stackproof.facts.image import full_name
from stackproof.finding import Finding, finding
from stackproof.fixtures.session.collection import as_deployed, critical, declares
from stackproof.hint import Hint, advice, recreate, server, up
from stackproof.probes.containers.instances import (
    RUNNING,
    Listed,
    describe,
    is_one_off,
    misnamed,
    of_all,
    of_service,
    projects,
    why_not_of_compose,
)
from stackproof.unobserved import UnobservedError

_ID_SHOWN = len("sha256:") + 12


@as_deployed
def test_instances(
    service: Service,
    containers: tuple[Container, ...],
    listed: Mapping[str, ListedContainer],
    environment: Environment,
) -> None:
    """A leftover instance serves old code to some of the requests, or works on the same queue.

    A missing one leaves its share of the work to the others.
    """
    if not containers and service.may_be_removed:
        return
    if service.instances == 1 and not containers:
        raise UnobservedError(f"there is no container {describe(environment, service.name)}")
    found = of_service(service, environment, listed, projects(environment, listed))
    its = [*found, *_leftovers(service, found, environment, listed)]
    surplus = sorted({*its[service.instances :]} - {each.name for each in containers})
    if service.instances == 0:
        its = surplus = [name for name in its if listed[name].state in RUNNING]
    is_alone = service.instances == 1
    assert len(its) == service.instances or (is_alone and not surplus), finding(
        service,
        "instances",
        expected=f"{containers[0].name} alone" if is_alone else service.instances,
        observed=f"also {', '.join(surplus)}" if is_alone else len(its),
        evidence={"instances": "\n".join(f"{name} {listed[name].state}" for name in sorted(its))},
        hint=(
            server("docker inspect {}", surplus),
            advice("stop the ones that do not belong, once you know what they do"),
        )
        if surplus
        else up(service.name),
    )


@critical
@declares("container")
def test_service(
    service: Service, listed: Mapping[str, ListedContainer], environment: Environment
) -> None:
    """Two containers that swapped names receive each other's requests, and both are healthy.

    Compose's labels say which service a container belongs to. Where Compose files are the
    specification, a container without them was created by hand: no deploy updates it.
    """
    its = projects(environment, listed)
    name, other = its.name_of(service), misnamed(environment, listed, its, service)
    is_of = f"is the container of {other}" if other else ""
    is_of = is_of or why_not_of_compose(environment, listed, its, service)
    assert not is_of, finding(
        service,
        "container",
        expected=f"{name} to be the one of {service.name}",
        observed=f"{name} {is_of}",
        hint=_give_its_name(service, name, swapped=bool(other)),
    )


def test_undeclared(
    stack: Environment, listed: Mapping[str, ListedContainer], warn: Callable[[Finding], None]
) -> None:
    """An undeclared container holds memory, ports and secrets, and is not monitored.

    These are containers with the prefix of the names, and running ones of the Compose project. If
    `compose_project` is not declared, the latter only warn, like those of inactive profiles.
    """
    its = projects(stack, listed).names
    declared = {
        name
        for service, found in of_all(stack, listed).items()
        # The number of the others is verified by the check of the service's instances.
        for name in (found[:1] if stack.services[service].instances == 1 else found)
    }
    others = {
        name: each
        for name, each in sorted(listed.items())
        # Names with a slash are aliases that legacy links give to a container.
        if name not in declared and "/" not in name and not is_one_off(name, each)
    }
    prefix = stack.container_prefix
    prefixed = {name for name in others if prefix and name.startswith(prefix)}
    orphans = {
        name
        for name, each in others.items()
        if each.service and each.service not in stack.services
        if each.project in its and each.state in RUNNING
    }
    inactive = {name for name in others if others[name].service in stack.inactive_services}
    red = (prefixed | (orphans if stack.compose_project in its else set())) - inactive
    if tolerated := ", ".join(sorted(orphans - inactive - red)):
        warn(finding(stack, "undeclared containers", expected="none", observed=tolerated))
    if running := ", ".join(sorted(orphans & inactive)):
        warn(finding(stack, "containers of inactive profiles", expected="none", observed=running))
    assert not red, finding(
        stack,
        "undeclared containers",
        expected="none",
        observed=", ".join(sorted(red)),
        evidence={
            name: " ".join(filter(None, (each.state, each.project, each.service)))
            for name, each in others.items()
            if name in red
        },
        hint=(
            server("docker inspect {}", sorted(red)),
            advice("declare them, or stop them once you know what they do"),
        ),
    )


@declares("environment.compose_file")
def test_origin(service: Service, container: Container, environment: Environment) -> None:
    """A container created by hand or from another file changes unexpectedly at the next deploy."""
    creation = container.creation
    of_project = environment.compose_project in ("", creation.compose_project)
    first, *laid_over = creation.compose_files or ("",)
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
        observed=f"{' and '.join(creation.compose_files)} of {creation.compose_project}"
        if creation.compose_files
        else "not created by Compose",
        hint=up(service.name),
    )


@as_deployed
def test_image(
    service: Service, container: Container, tolerated: Callable[[Practice, Finding], bool]
) -> None:
    """Another image is another program, however well it answers.

    `:latest` is a warning: it is another program after every pull.
    """
    image = container.creation.image
    right = not service.image or full_name(image) == full_name(service.image)
    problem = finding(
        service,
        "image",
        expected="a tag with a version" if right else service.image,
        observed=image,
        evidence={"image id": container.creation.image_id},
        hint=(
            advice("give the image of {} a tag with a version", service.name),
            up(service.name),
        )
        if right
        else recreate("image", service.name),
    )
    if right and _is_latest(service, container.creation):
        right = tolerated("latest-tag", problem)
    assert right, problem


@as_deployed
def test_stale(service: Service, container: Container, tagged_image: str | None) -> None:
    """An image that was pulled without recreating its container seems deployed, but is not."""
    image, running = container.creation.image, container.creation.image_id
    assert tagged_image == running, finding(
        service,
        "image in use",
        expected=f"{tagged_image[:_ID_SHOWN]}, the current {image}"
        if tagged_image
        else f"an image that still has the tag {image}",
        observed=running[:_ID_SHOWN],
        evidence={"image id": running, f"id of {image}": tagged_image},
        hint=up(service.name),
    )


def _give_its_name(service: Service, name: str, *, swapped: bool) -> tuple[Hint, ...]:
    if swapped:
        return (
            server("docker ps --all --filter label=com.docker.compose.service={}", service.name),
            advice("give each container its own name back with docker rename"),
        )
    return (
        server("docker inspect --format '{{json .Config.Labels}}' {}", name),
        advice("Compose creates its own once this one has another name, see docker rename"),
        up(service.name),
    )


def _leftovers(
    service: Service, found: Sequence[str], environment: Environment, listed: Listed
) -> list[str]:
    """Return containers that are named as further instances, without Compose's labels."""
    own = service.container or next((each for each in found if each == service.name), "")
    numbered = re.compile(rf"{re.escape(own)}[-_]\d+")
    names = [name for name in listed if name not in found and numbered.fullmatch(name)]
    if not names:
        return []
    declared = {name for its in of_all(environment, listed).values() for name in its}
    return [name for name in names if name not in declared]


def _is_latest(service: Service, creation: Creation) -> bool:
    """Return whether an image is the latest of a registry. Compose tags what it builds `latest`."""
    project = creation.compose_project
    built = {f"{project}{separator}{service.name}:latest" for separator in "-_"}
    name = full_name(creation.image)
    return name.endswith(":latest") and name not in built


def _is_of(environment: Environment, path: str, declared: str) -> bool:
    if environment.checkout:
        return path == f"{environment.checkout.rstrip('/')}/{declared}"
    return f"/{path}".endswith(f"/{declared}")
