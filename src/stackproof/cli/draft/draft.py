"""What an environment file declares at first, next to its Compose files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from stackproof.cli.draft import caddy, health_endpoints, images, nginx, traefik
from stackproof.cli.draft.programs import runs_server
from stackproof.cli.draft.project import Project
from stackproof.cli.draft.routes import Route, Routes
from stackproof.environment.compose.service import granted, may_end, ports, root_access_of
from stackproof.environment.datastores import OTHER
from stackproof.kinds.caddy import Caddy
from stackproof.kinds.registry import DATASTORES, PROXIES, DeclaredContainer, UndecidedError
from stackproof.kinds.traefik import Traefik

Entry = tuple[str, ...]
"""The path of an entry: `("services", "web", "health")`."""
_NGINX = {"nginx", "nginx-unprivileged"}
_OTHER_PROXIES = {
    "haproxy", "envoy", "httpd", "nginx-proxy", "nginx-proxy-manager",
    "openresty", "swag", "kong", "apisix", "caddy-docker-proxy",
}  # fmt: skip
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass
class Draft:
    """What an environment file declares at first, next to its Compose files."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    routes: dict[str, dict[str, Any]] = field(default_factory=dict)
    datastores: dict[str, dict[str, Any]] = field(default_factory=dict)
    nginx: str = ""
    proxies: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """By kind and service."""
    resolve: dict[str, str] = field(default_factory=dict)
    notes: dict[Entry, str] = field(default_factory=dict)
    """What a person has to decide of an entry, or why there is none."""
    undecided: dict[Entry, Any] = field(default_factory=dict)
    """Fields of services that a person has to declare, if they hold."""
    needs: list[str] = field(default_factory=list)
    """Files and variables that the Compose files need, by name."""

    def ask_one_shot(self, service: str, question: str) -> None:
        """Have a person decide whether a service runs once."""
        self.notes["services", service, "one_shot"] = question
        self.undecided["services", service, "one_shot"] = True


def draft(project: Project, *, is_local: bool) -> Draft:
    """Return what the Compose files of a project suggest to declare.

    Args:
        project: the project.
        is_local: whether its engine is this machine's.
    """
    result = Draft(needs=list(_needs(project)))
    for name, service in project.services.items():
        _add_health(result, project, name)
        _add_datastore(result, project, name)
        # Each setting by itself: what is granted later is not allowed with it.
        permissions = [*(granted(service) or ()), *root_access_of(service)]
        if permissions:
            result.services.setdefault(name, {})["may"] = [
                each.replace("$", "$$") for each in permissions
            ]
        if may_end(service) and not _is_job(project, name) and not _serves(service):
            result.ask_one_shot(name, "if it runs once and ends")
    _add_proxies(result, project, is_local)
    return result


def _needs(project: Project) -> Iterator[str]:
    for path, services in project.env_files.items():
        is_known = "$" not in str(path)
        missing = "" if path.is_file() or not is_known else ", which does not exist here"
        yield f"{shown(path)}, the env_file of {', '.join(services)}{missing}"
    match sorted(project.compose.unset):
        case [name]:
            yield f"the variable {name}, which is not set here"
        case [_, _, *_] as names:
            yield f"the variables {', '.join(names)}, which are not set here"
    if names := project.of_this_process:
        variables = f"variable{'' if len(names) == 1 else 's'} {', '.join(names)}"
        yield f"the {variables}, which only the environment of this command has"


def _serves(service: Mapping[str, Any]) -> bool:
    """Return whether a service that publishes no port is a server all the same."""
    names = {images.name_of(service), images.base_of(service)}
    is_datastore = any(
        names & each.images and runs_server(service, each.programs) for each in DATASTORES.values()
    )
    has_health_check = bool((service.get("healthcheck") or {}).get("test"))
    return bool(service.get("expose")) or has_health_check or is_datastore


def _is_job(project: Project, name: str) -> bool:
    conditions = (
        ((each.get("depends_on") or {}).get(name) or {}).get("condition")
        for each in project.services.values()
    )
    return "service_completed_successfully" in conditions


def _add_health(result: Draft, project: Project, name: str) -> None:
    test = (project.written_service(name).get("healthcheck") or {}).get("test")
    found = health_endpoints.find(test, project.environment_of(name))
    if not found:
        return
    entry = ("services", name, "health")
    try:
        port = project.variables.expression(found.port)
        path = project.variables.expression(found.path)
    except UndecidedError as error:
        result.notes[entry] = f"its health check depends on {error}"
        return
    health: dict[str, Any] = {"path": path, "port": int(port) if port.isdigit() else port}
    if found.host:
        health["host"] = found.host
    if found.scheme == "https":
        health["scheme"] = "https"
    if found.insecure:
        health["verify"] = False
        result.notes[entry] = "its certificate is not verified, as in its health check"
    result.services.setdefault(name, {})["health"] = health


def _add_datastore(result: Draft, project: Project, name: str) -> None:
    service = project.services[name]
    names = {images.name_of(service), images.base_of(service)}
    for kind, declaration in DATASTORES.items():
        if names & declaration.images and runs_server(service, declaration.programs):
            try:
                fields = declaration.of_container(_container(project, name))
            except UndecidedError as error:
                result.notes["datastores", kind, name] = f"depends on {error}"
            else:
                result.datastores.setdefault(kind, {})[name] = dict(fields)


def _container(project: Project, name: str) -> DeclaredContainer:
    command = project.written_service(name).get("command") or ""
    return DeclaredContainer(
        image=str(project.services[name].get("image") or ""),
        environment=project.environment_of(name),
        command=command if isinstance(command, str) else " ".join(map(str, command)),
        value=partial(_value, project, name),
    )


def _value(project: Project, service: str, name: str) -> str:
    """Return a variable of a service as an expression; empty if it has no value.

    Raises:
        UndecidedError: it depends on variables that are unset here, or its value is in a file.
    """
    resolved = project.services[service].get("environment") or {}
    written = project.environment_of(service)
    if resolved.get(name):
        return project.variables.expression(written[name], str(resolved[name]))
    if resolved.get(f"{name}_FILE"):
        raise UndecidedError(f"{name}_FILE")
    if name in resolved and written[name]:
        raise UndecidedError(written[name])
    return ""


def _add_proxies(result: Draft, project: Project, is_local: bool) -> None:
    image_of = {name: images.name_of(service) for name, service in project.services.items()}
    of_nginx = [name for name, image in image_of.items() if image in _NGINX]
    front = [name for name in of_nginx if project.services[name].get("ports")]
    if len(front) == 1:
        result.nginx = front[0]
        _add_routes(result, project, nginx.routes(project, front[0]), is_local, front[0])
    elif len(front) > 1:
        result.notes["nginx",] = f"which is the proxy: {', '.join(front)}"
    for name, service in project.services.items():
        if service.get("ports") and images.base_of(service) in _NGINX and name != result.nginx:
            result.notes["nginx", name] = f"nginx: {{service: {name}}}, if it is the proxy"
    for name, service in project.services.items():
        if kind := _proxy_kind(images.name_of(service)) or _proxy_kind(images.base_of(service)):
            if kind == Traefik.kind and not traefik.api_is_open(project, name):
                kind = OTHER
                result.notes["proxies", kind, name] = (
                    f"traefik: {{{name}: {{}}}}, if it is started with --api.insecure=true"
                )
            result.proxies.setdefault(kind, {})[name] = {}
    of_traefik = next((name for name, image in image_of.items() if image in Traefik.images), None)
    _add_routes(result, project, traefik.routes(project, of_traefik), is_local, of_traefik or "")
    for name in result.proxies.get(Caddy.kind, ()):
        _add_routes(result, project, caddy.routes(project, name), is_local, name)
    if sum(map(len, result.proxies.values())) + bool(result.nginx) == 1:
        for route in result.routes.values():
            route.pop("proxy", None)


def _proxy_kind(image: str) -> str:
    """Return the kind of proxy that an image is; empty if it is none."""
    if image in _OTHER_PROXIES:
        return OTHER
    return next((kind for kind, declared in PROXIES.items() if image in declared.images), "")


def _add_routes(result: Draft, project: Project, found: Routes, is_local: bool, proxy: str) -> None:
    """Add the routes of a proxy; of one that belongs to another project, its name is empty."""
    for route in found.routes:
        name = _free_name(route, result.routes)
        result.routes[name] = {"url": route.url, "service": route.service, **route.more}
        if proxy:
            result.routes[name]["proxy"] = proxy
        if not is_local and "://localhost" in route.url:
            result.routes[name]["vantage"] = "server"
        elif is_local:
            result.resolve.update(route.resolve)
    for service, port in found.ports.items():
        known = ports(project.services[service]) or []
        if port not in known:
            result.services.setdefault(service, {})["ports"] = [port, *known]
    for number, text in enumerate(found.todo):
        result.notes["routes", str(number)] = text


def _free_name(route: Route, taken: Mapping[str, object]) -> str:
    path = route.url.partition("://")[2].partition("/")[2]
    stem = _NOT_IN_A_NAME.sub("-", f"{route.service}-{path}").strip("-")
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def shown(path: Path, folders: Sequence[Path] = ()) -> str:
    """Return a path relative to the working directory, if it is below it."""
    for folder in (*folders, Path.cwd()):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)


def without_services(project: Project) -> str:
    """Return why a project has no services to verify."""
    files = " and ".join(shown(file) for file in project.run.files)
    profiles = sorted({each for names in project.compose.inactive.values() for each in names})
    if profiles:
        return (
            f"every service of {files} belongs to an inactive profile ({', '.join(profiles)}): "
            "name those that are active in COMPOSE_PROFILES"
        )
    return f"there are no services in {files}"
