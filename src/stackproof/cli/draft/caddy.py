"""Routes in a Caddyfile that is mounted from this machine."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from stackproof.cli.draft.mounted_files import mounted_files
from stackproof.cli.draft.project import Project
from stackproof.cli.draft.routes import (
    DEFAULT_PORTS,
    Route,
    Routes,
    published_at,
    resolve,
    service_names,
    url,
)
from stackproof.kinds.registry import UndecidedError
from stackproof.schema.addresses import is_host

_ROOT = PurePosixPath("/etc/caddy")
_FILE = _ROOT / "Caddyfile"
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_VARIABLE = re.compile(r"\{\$(\w+)(?::([^{}]*))?\}", re.ASCII)
_ADDRESS = re.compile(r"(?:(https?)://)?([^/:]*)(?::(\d{1,5}))?(/.*)?")
_UPSTREAM = re.compile(r"(?:https?://)?([A-Za-z0-9][\w.-]*)(?::(\d{1,5}))?")
_PASSES = {"reverse_proxy", "php_fastcgi"}
_BY_PATH = {"handle", "handle_path", "route"}
_MOST_ROUTES = 20
_HERE = "localhost"


@dataclass
class _Site:
    """A site block: its addresses, and where requests for a path are passed."""

    addresses: list[str]
    passes: list[tuple[str, str]] = field(default_factory=list)
    """A path, and an upstream."""


def routes(project: Project, proxy: str) -> Routes:
    """Return the routes in the Caddyfile of a project's Caddy."""
    text = dict(mounted_files(project, proxy, _ROOT)).get(_FILE)
    if text is None:
        return Routes(todo=(f"the Caddyfile of {proxy} is not mounted from here",))
    services = dict(service_names(project))
    published = published_at(project, proxy)
    found: dict[str, Route] = {}
    ports: dict[str, int] = {}
    todo: list[str] = []
    for site in _sites(text):
        for address in site.addresses:
            try:
                of_site = list(_routes(project, proxy, address, site, services, published))
            except UndecidedError as error:
                todo.append(f"site {address} of {proxy}: depends on {error}")
                continue
            for each in of_site:
                found.setdefault(each.url, each)
        for _, upstream in site.passes:
            parts = _UPSTREAM.fullmatch(upstream)
            if parts and parts[1] in services and parts[2]:
                ports.setdefault(services[parts[1]], int(parts[2]))
    return Routes(tuple(found.values())[:_MOST_ROUTES], ports, tuple(todo))


def _sites(text: str) -> Iterator[_Site]:
    """Yield the site blocks of a Caddyfile. Global options and snippets are none."""
    blocks: list[list[str]] = []
    site: _Site | None = None
    header: list[str] = []
    for line in text.splitlines():
        words = _COMMENT.sub("", line).split()
        if not words:
            continue
        if words == ["}"]:
            blocks = blocks[:-1]
            if not blocks and site:
                yield site
                site = None
            continue
        opens = words[-1] == "{"
        words = words[:-1] if opens else words
        if site and words and words[0] in _PASSES:
            site.passes += _passes(blocks, words[1:])
        if not blocks:
            header += [each for word in words for each in word.split(",") if each]
            if opens:
                is_site = bool(header) and not header[0].startswith(("(", "&"))
                site, header = (_Site(header) if is_site else None), []
            elif not line.rstrip().endswith(","):
                header = []  # a site without braces, or a directive of one
        blocks += [words] if opens else []


def _passes(blocks: list[list[str]], words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the path and the upstream of a directive, if a path alone decides."""
    matchers = [each[1] for each in blocks[1:] if len(each) == 2 and each[0] in _BY_PATH]
    if words and (words[0].startswith(("/", "@")) or words[0] == "*"):
        matchers.append(words[0])
        words = words[1:]
    if words and not any(each.startswith("@") for each in matchers):
        path = next((each for each in reversed(matchers) if each.startswith("/")), "/")
        yield path.removesuffix("*"), words[0]


def _routes(
    project: Project,
    proxy: str,
    address: str,
    site: _Site,
    services: Mapping[str, str],
    published: Mapping[int, str],
) -> Iterator[Route]:
    """Yield the routes of a site at one of its addresses.

    Raises:
        UndecidedError: it depends on variables that are unknown here.
    """
    expressions = _Expressions(project, proxy)
    parts = _ADDRESS.fullmatch(_VARIABLE.sub(expressions.value, address))
    if not parts:
        return
    scheme, host, port, _ = parts.groups()
    is_http = scheme == "http" or (not scheme and (port == "80" or not host))
    scheme = "http" if is_http else "https"
    number = int(port) if port else DEFAULT_PORTS[scheme]
    host = host or _HERE
    if number not in published or "*" in host or not is_host(host):
        return
    entry = {} if host == _HERE else resolve(published[number])
    for path, upstream in site.passes or [("/", proxy)]:
        name = _UPSTREAM.fullmatch(upstream)
        if service := services.get(name[1]) if name else None:
            location = url(scheme, host, published[number], path).replace("$", "$$")
            yield Route(expressions.restored(location), service, entry)


class _Expressions:
    """The variables of Caddy's container, which a Caddyfile names as `{$NAME}`."""

    def __init__(self, project: Project, proxy: str) -> None:
        self._project = project
        self._written = project.environment_of(proxy)
        self._values = project.services[proxy].get("environment") or {}
        self._names: dict[str, str] = {}

    def value(self, place: re.Match[str]) -> str:
        """Return what takes the place of a variable: another name if it is an expression."""
        written, value = self._written.get(place[1], ""), str(self._values.get(place[1]) or "")
        if not value:
            if place[2] is None:
                raise UndecidedError(place[1])
            return place[2]
        if "$" not in written:
            return value
        expression = self._project.variables.expression(written, value)
        if "://" in value or ":" in value:
            raise UndecidedError(place[1])
        name = f"{place[1].lower().replace('_', '-')}.invalid"
        self._names[name] = expression
        return name

    def restored(self, url: str) -> str:
        """Return a URL with the expressions in their places."""
        for name, expression in self._names.items():
            url = url.replace(name, expression)
        return url
