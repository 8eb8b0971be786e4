"""Routes in a configuration of nginx that is mounted from this machine."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from stackproof.cli.draft.mounted_files import mounted_files
from stackproof.cli.draft.project import Project
from stackproof.cli.draft.routes import (
    Route,
    Routes,
    published_at,
    resolve,
    service_names,
    url,
)
from stackproof.facts.proxy import Destination
from stackproof.kinds.registry import UndecidedError
from stackproof.probes.nginx.configuration.model import Server, parse
from stackproof.probes.nginx.routing.locations import locations_of
from stackproof.probes.nginx.routing.reader import ITSELF, Reader
from stackproof.probes.nginx.routing.request import request_to
from stackproof.schema.addresses import is_host
from stackproof.unobserved import UnobservedError

_ROOT = PurePosixPath("/etc/nginx")
_MAIN = _ROOT / "nginx.conf"
# Of the official image.
_DEFAULT_MAIN = "events {}\nhttp { include /etc/nginx/conf.d/*.conf; }\n"
_TEMPLATES = _ROOT / "templates"
_PLACE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_MOST_ROUTES = 20
_HERE = "localhost"


def routes(project: Project, proxy: str) -> Routes:
    """Return the routes in the configuration of a project's nginx."""
    files = dict(mounted_files(project, proxy, _ROOT))
    if not files:
        return Routes(todo=(f"the configuration of {proxy} is not mounted from here",))
    try:
        templates = _Templates(project, proxy)
        files = dict(templates.replaced(files))
    except UndecidedError as error:
        return Routes(todo=(f"the configuration of {proxy} depends on {error}",))
    main = files.pop(_MAIN, _DEFAULT_MAIN)
    dump = "".join(
        f"# configuration file {path}:\n{text}\n" for path, text in [(_MAIN, main), *files.items()]
    )
    try:
        reader = Reader(parse(dump), lambda _: "")
    except UnobservedError as reason:
        return Routes(todo=(str(reason),))
    found: dict[str, Route] = {}
    for each in _routes(project, proxy, reader):
        found.setdefault(each.url, replace(each, url=templates.with_expressions(each.url)))
    return Routes(tuple(found.values())[:_MOST_ROUTES])


class _Templates:
    """What the official image replaces in its templates: variables of its container.

    A value that is a name of a host is not written into an environment file. Its place is taken by
    another name until the expression takes its place.
    """

    def __init__(self, project: Project, proxy: str) -> None:
        self._project = project
        self._values = project.services[proxy].get("environment") or {}
        self._written = project.environment_of(proxy)
        self._expressions: dict[str, str] = {}

    def replaced(self, files: Mapping[PurePosixPath, str]) -> Iterator[tuple[PurePosixPath, str]]:
        """Yield the files of the container, with those that it makes of templates.

        Raises:
            UndecidedError: a value depends on variables that are unknown here.
        """
        for path, text in files.items():
            if path.suffix == ".template" and path.is_relative_to(_TEMPLATES):
                made = _ROOT / "conf.d" / path.relative_to(_TEMPLATES).with_suffix("")
                yield made, _PLACE.sub(self._value, text)
            else:
                yield path, text

    def with_expressions(self, url: str) -> str:
        """Return a URL with the expressions in their places."""
        for name, expression in self._expressions.items():
            url = url.replace(name, expression)
        return url

    def _value(self, place: re.Match[str]) -> str:
        name = place[1] or place[2]
        value, written = str(self._values.get(name) or ""), self._written.get(name, "")
        if name not in self._values:
            return place[0]
        if "$" not in written or "." not in value:
            return value
        host = f"{name.lower().replace('_', '-')}.invalid"
        self._expressions[host] = self._project.variables.expression(written, value)
        return host


def _routes(project: Project, proxy: str, reader: Reader) -> Iterator[Route]:
    names = dict(service_names(project))
    published = published_at(project, proxy)
    for server in reader.configuration.http.servers:
        for listen in server.listens:
            if listen.first not in published:
                continue
            scheme = "https" if listen.is_secure else "http"
            host = next((name for name in server.names if _is_public(name)), _HERE)
            for path in _paths(server):
                destination = _destination(reader, f"{scheme}://{host}{path}", listen.first)
                service = _service(destination, names)
                more: dict[str, Any] = {}
                if destination and destination.leads_to == (ITSELF,) and path == "/":
                    service = proxy
                    more = {"status": [301, 308], "upgrade": "https"} if _upgrades(server) else {}
                if service:
                    location = url(scheme, host, published[listen.first], path).replace("$", "$$")
                    entry = {} if host == _HERE else resolve(published[listen.first])
                    yield Route(location, service, entry, more)


def _paths(server: Server) -> list[str]:
    """Return a path of each location, and the root."""
    paths = [
        each.path
        for each in locations_of(server.directive.block)
        if each.modifier in ("", "^~", "=") and each.path.startswith("/")
    ]
    return list(dict.fromkeys([*paths, "/"]))


def _destination(reader: Reader, url: str, port: int) -> Destination | None:
    """Return where a URL leads; None if that cannot be decided."""
    try:
        return reader.destination(request_to(url, port))
    except UnobservedError:
        return None


def _service(destination: Destination | None, names: Mapping[str, str]) -> str | None:
    """Return the service that a URL leads to; None if it is not one."""
    places = destination.leads_to if destination else ()
    found = {names.get(each.rpartition(":")[0]) for each in places}
    return found.pop() if len(found) == 1 else None


def _upgrades(server: Server) -> bool:
    """Return whether a server block redirects all of its requests to https, permanently."""
    return any(
        each.name == "return"
        and each.arguments[:1] == ["301"]
        and each.arguments[-1].startswith("https://")
        for each in server.directive.block
    )


def _is_public(name: str) -> bool:
    return "." in name and not set(name) & set("*~$") and is_host(name) and name.strip(".") == name
