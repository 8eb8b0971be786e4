"""Which containers run a declared service. Everything that needs one uses this definition.

They are the container with the declared name, and those that have Compose's labels of the project
and the service. If an environment declares neither names nor a project, the project is the one on
the engine that has such services.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from stackproof.environment.model import Environment
from stackproof.environment.services import Service, service_of
from stackproof.facts.container import ListedContainer
from stackproof.unobserved import UnobservedError

Listed = Mapping[str, ListedContainer]
"""The containers of an engine, by name."""


RUNNING = ("running", "paused", "restarting")


class Projects(NamedTuple):
    """The Compose projects that the containers of an environment belong to."""

    names: frozenset[str]
    """One project as a rule; several if containers with declared names are of several."""
    note: str = ""
    """How the project was found, if the environment does not declare it."""
    by_name: bool = False
    """Whether a container with the name of a service runs that service."""

    def name_of(self, service: Service) -> str:
        """Return the name that the container of a service has; empty if only labels show it."""
        return service.container or (service.name if self.by_name else "")


def projects(environment: Environment, listed: Listed) -> Projects:
    """Return the Compose projects of an environment's containers.

    Raises:
        UnobservedError: it does not declare the project, and several have such services, or one
            that may be unrelated.
    """
    declared = environment.compose_project
    is_there = any(each.project == declared for each in listed.values())
    if declared and (is_there or not environment.origin.is_project_guessed):
        return Projects(frozenset({declared}))
    services = environment.services.values()
    named = _projects_of((each.container for each in services), listed)
    unnamed = {each.name for each in services if not each.container}
    if named or not unnamed:
        return Projects(named, by_name=True)
    found: dict[str, set[str]] = {}
    for each in listed.values():
        if each.project and each.service:
            found.setdefault(each.project, set()).add(each.service)
    most = max((len(unnamed & each) for each in found.values()), default=0)
    if len(unnamed & listed.keys()) >= most:
        same = _projects_of(unnamed, listed)
        if environment.compose is not None and not same and unnamed & listed.keys():
            return Projects(frozenset({declared}))  # Compose gives its containers other names
        return Projects(same, by_name=True)
    candidates = [
        project
        for project, its in found.items()
        # The second may be this stack with a service missing.
        if len(unnamed & its) == most or (its <= unnamed and 2 * len(its) > len(unnamed))
    ]
    if declared:
        candidates = [each for each in candidates if _is_likely(found[each], unnamed)]
    if not candidates:
        raise UnobservedError(
            f"no container is of project {declared}, and the services of other projects on the "
            f"engine ({_some(found, unnamed)}) have the same names: declare compose.project"
        )
    if len(candidates) > 1:
        key = "compose_project" if environment.compose is None else "compose.project"
        raise UnobservedError(
            f"the engine has several projects with these services "
            f"({', '.join(sorted(candidates))}): declare {key}"
        )
    why = (
        f"no container is of project {declared}" if declared else "compose_project is not declared"
    )
    number = "all" if most == len(unnamed) else f"{most} of {len(unnamed)}"
    note = (
        f"{why}: the containers are those of {candidates[0]}, "
        f"the only project of the engine with {number} of the services"
    )
    return Projects(frozenset(candidates), note)


def of_all(environment: Environment, listed: Listed) -> dict[str, tuple[str, ...]]:
    """Return the containers of each declared service, as `of_service` does.

    Raises:
        UnobservedError: it is unknown which containers they are, see `projects`.
    """
    its = projects(environment, listed)
    return {
        name: of_service(service, environment, listed, its)
        for name, service in environment.services.items()
    }


def of_service(
    service: Service, environment: Environment, listed: Listed, its: Projects
) -> tuple[str, ...]:
    """Return the names of a service's containers: its instances, then surplus ones."""
    own, prefix = its.name_of(service), environment.container_prefix
    is_fixed = bool(service.container) and not (
        prefix and service.container == f"{prefix}{service.name}"
    )
    is_misnamed = bool(misnamed(environment, listed, its, service))
    declared = {its.name_of(each) for each in environment.services.values()} if is_fixed else set()
    names = [
        container
        for container, each in listed.items()
        if (container == own and not is_misnamed)
        or (
            each.service == service.name
            and each.project in its.names
            and (container in declared or _fits(container, each, is_fixed))
        )
    ]
    names.sort(key=lambda each: _rank(each, listed[each], service, own))
    count = service.instances
    instances = sorted(names[:count], key=lambda each: _number(each, listed[each]))
    return (*instances, *names[count:])


def misnamed(environment: Environment, listed: Listed, its: Projects, service: Service) -> str:
    """Return the service whose container has the declared name of another one; empty if none.

    Compose's labels say whose it is: names can be swapped.
    """
    each = listed.get(its.name_of(service))
    if each is None or each.project not in its.names or each.service == service.name:
        return ""
    return each.service if each.service in environment.services else ""


def renamed(environment: Environment, listed: Listed, service: Service) -> str:
    """Return the container of a service that someone renamed; empty if there is none.

    It has Compose's labels, and Compose does not create another one next to it.
    """
    its = projects(environment, listed)
    if not its.name_of(service) or its.name_of(service) in listed:
        return ""
    names = (
        name
        for name, each in sorted(listed.items())
        if each.service == service.name and each.project in its.names and "/" not in name
    )
    return next(names, "")


def why_not_of_compose(
    environment: Environment, listed: Listed, its: Projects, service: Service
) -> str:
    """Return what the container with the declared name is, if Compose did not create it for that.

    Where Compose files are the specification, its labels show that it did. Empty if so.
    """
    each = listed.get(service.container)
    if environment.compose is None or each is None:
        return ""
    if not each.project:
        return "was created without Compose"
    if each.project not in its.names:
        return f"is of project {each.project}"
    if each.service == service.name:
        return ""
    return f"is of service {each.service}" if each.service else "is one of docker compose run"


def strangers(
    environment: Environment, listed: Listed, networks: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the containers in some networks that belong to no declared service, and the networks.

    A container that shares the network of another one is in the networks of that one. Commands of
    `docker compose run` and services of inactive profiles belong to the stack.

    Raises:
        UnobservedError: it is unknown which containers the services have, see `projects`.
    """
    its = projects(environment, listed).names
    own = {name for found in of_all(environment, listed).values() for name in found}
    own |= {
        name
        for name, each in listed.items()
        if each.project in its
        and (is_one_off(name, each) or each.service in environment.inactive_services)
    }
    ids = {listed[name].id for name in own}
    holders: dict[str, set[str]] = {}
    for each in listed.values():
        for endpoint in each.endpoints if each.networks else ():
            holders.setdefault(endpoint.address, set()).update(each.networks)
    found: dict[str, tuple[str, ...]] = {}
    for name, each in sorted(listed.items()):
        if each.id in ids or "/" in name or each.state not in RUNNING:
            continue
        shared = {other for at in each.endpoints for other in holders.get(at.address, ())}
        if joined := sorted(set(networks) & ({*each.networks} or shared)):
            found[name] = tuple(joined)
    return found


def by_instance(environment: Environment, listed: Listed) -> dict[str, str]:
    """Return the container of each instance, and of each service the first one.

    An instance without a container has the declared name, or else an empty one.

    Raises:
        UnobservedError: it is unknown which containers they are, see `projects`.
    """
    its = projects(environment, listed)
    names: dict[str, str] = {}
    for service, found in of_all(environment, listed).items():
        declared = environment.services[service]
        absent = its.name_of(declared) if declared.instances == 1 else ""
        names[service] = next(iter(found), absent)
        numbered = _by_number(found[: declared.instances], listed, declared.instances)
        for number, instance in enumerate(declared.instance_names, 1):
            names[instance] = numbered.get(number, absent)
    return names


def _by_number(found: Sequence[str], listed: Listed, count: int) -> dict[int, str]:
    """Return a service's containers by Compose's numbers, or else in this order."""
    numbered = {_number(name, listed[name])[0]: name for name in found}
    if len(numbered) == len(found) and all(0 < number <= count for number in numbered):
        return numbered
    return dict(enumerate(found, 1))


def why_unreadable(unreadable: Mapping[str, str], name: str, is_found: bool) -> str | None:
    """Return why a container cannot be read, or None if nothing is wrong with it.

    Args:
        unreadable: see `Listing.unreadable`.
        name: its name; empty if only its labels would show which one it is.
        is_found: whether it was found among those that can be read.
    """
    if is_found:
        return None
    return (
        unreadable.get(name)
        or unreadable.get("")
        or (None if name else next(iter(unreadable.values()), None))
    )


def describe(environment: Environment, instance: str) -> str:
    """Return a container in words: `vpn-api`, or `of service web in project shop`."""
    service = environment.services[service_of(instance)]
    if service.instances == 1 and (service.container or not environment.compose_project):
        return service.container or service.name
    words = f"of service {service.name}"
    if environment.compose_project and not environment.origin.is_project_guessed:
        words += f" in project {environment.compose_project}"
    _, _, number = instance.partition("#")
    return f"{words} (instance {number} of {service.instances})" if number else words


def is_one_off(name: str, listed: ListedContainer) -> bool:
    """Return whether `docker compose run` started a container and named it."""
    named = rf"{re.escape(listed.project)}[-_].+[-_]run[-_][0-9a-f]+"
    return bool(listed.project and not listed.service and re.fullmatch(named, name))


def _is_likely(its: Set[str], services: Set[str]) -> bool:
    """Return whether a project is probably that of these services under another name.

    A single service such as `web` or `db` proves nothing: many projects have one.
    """
    shared = its & services
    return len(shared) > 1 and len(shared) > len(its - services)


def _some(found: Mapping[str, Set[str]], services: Set[str]) -> str:
    names = sorted(project for project, its in found.items() if its & services)
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _projects_of(names: Iterable[str], listed: Listed) -> frozenset[str]:
    return frozenset(listed[each].project for each in names if each in listed) - {""}


def _fits(name: str, listed: ListedContainer, is_fixed: bool) -> bool:
    """Return whether a container with the labels of a service may have this name.

    Compose refuses a second instance of a service with a `container_name`. A deploy that needs one
    drops that name, and Compose then numbers the containers. A name with a slash is an alias.
    """
    numbered = rf"{re.escape(listed.project)}[-_]{re.escape(listed.service)}[-_]\d+"
    return bool(re.fullmatch(numbered, name)) if is_fixed else "/" not in name


def _rank(
    name: str, listed: ListedContainer, service: Service, own: str
) -> tuple[bool, bool, tuple[int, str]]:
    is_first = name == own if service.instances == 1 else listed.service == service.name
    return not is_first, listed.state != "running", _number(name, listed)


def _number(name: str, listed: ListedContainer) -> tuple[int, str]:
    """Return Compose's number of a container; in an old snapshot, the one in its name."""
    digits = re.search(r"[0-9]{1,9}$", name)
    return listed.number or int(digits[0] if digits else 0), name
