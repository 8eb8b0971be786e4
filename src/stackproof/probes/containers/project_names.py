"""Names that Compose derives from the name of the project: of networks, volumes and images.

Without a `name` in the Compose files, Compose calls the project as the folder of the files. On the
server that folder may have another name.
"""

from typing import TypeVar

from stackproof.environment.container_settings import DeclaredNetwork
from stackproof.environment.model import Environment
from stackproof.environment.services import Service
from stackproof.probes.containers.instances import Listed, projects

T = TypeVar("T")

_BY_NETWORK = ("ipv4_address", "ipv6_address")
"""Options that are declared by the name of a network."""


def as_deployed(subject: T, environment: Environment, listed: Listed) -> T:
    """Return a service or a network with names of the project that runs.

    Raises:
        UnobservedError: it is unknown which project that is.
    """
    names = projects(environment, listed).names - {environment.compose_project}
    if len(names) != 1:
        return subject
    (old, new) = environment.compose_project, *names
    if isinstance(subject, Service):
        return _service(subject, old, new)  # type: ignore[return-value]
    if isinstance(subject, DeclaredNetwork):
        return subject.model_copy(update={"name": _name(subject.name, old, new)})
    return subject


def _service(service: Service, old: str, new: str) -> Service:
    networks, mounts = service.networks, service.mounts
    image = service.image
    return service.model_copy(
        update={
            "image": f"{new}-{service.name}" if image == f"{old}-{service.name}" else image,
            "networks": None
            if networks is None
            else {_name(name, old, new): each for name, each in networks.items()},
            "mounts": None
            if mounts is None
            else {
                path: each.model_copy(update={"source": _name(each.source, old, new)})
                if each.kind == "volume"
                else each
                for path, each in mounts.items()
            },
            "options": {_option(name, old, new): text for name, text in service.options.items()},
        }
    )


def _option(name: str, old: str, new: str) -> str:
    key, _, network = name.partition(".")
    return f"{key}.{_name(network, old, new)}" if key in _BY_NETWORK else name


def _name(name: str, old: str, new: str) -> str:
    return f"{new}_{name.removeprefix(f'{old}_')}" if name.startswith(f"{old}_") else name
