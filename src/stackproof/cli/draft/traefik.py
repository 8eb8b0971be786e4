"""Routes in the labels of Traefik: `traefik.http.routers.app.rule: Host(`app.example.com`)`."""

import re
from collections.abc import Iterator, Mapping

from stackproof.cli.draft.project import Project, as_mapping
from stackproof.cli.draft.routes import Route, Routes, published_at, resolve, url
from stackproof.kinds.registry import UndecidedError

_LABEL = re.compile(r"traefik\.http\.routers\.([^.]+)\.([\w.]+)", re.IGNORECASE)
_HOSTS = re.compile(r"\bHost\(([^)]*)\)")
_PATH = re.compile(r"\bPath(?:Prefix)?\(\s*[`'\"]([^`'\"]*)[`'\"]")
_QUOTED = re.compile(r"[`'\"]([^`'\"]+)[`'\"]")
_BACKEND = re.compile(r"traefik\.http\.services\.([^.]+)\.loadbalancer\.", re.IGNORECASE)
_ENTRYPOINT = re.compile(r"--entrypoints?\.([\w-]+)\.address=\S*:(\d+)", re.IGNORECASE)
_ENTRYPOINT_VARIABLE = re.compile(r"TRAEFIK_ENTRYPOINTS?_(\w+)_ADDRESS", re.IGNORECASE)
_WELL_KNOWN = {"web": 80, "http": 80, "websecure": 443, "https": 443, "web-secure": 443}
_INSECURE = re.compile(r"--api\.insecure(?:=true)?", re.IGNORECASE)
_INTERNAL = "@internal"


def routes(project: Project, proxy: str | None) -> Routes:
    """Return the routes in the labels of a project's services.

    Args:
        project: the project.
        proxy: its Traefik service; None if Traefik belongs to another project.
    """
    found: dict[str, Route] = {}
    todo: list[str] = []
    backends = dict(_backends(project))
    ports = _Ports(project, proxy)
    for service in project.services:
        routers: dict[str, dict[str, str]] = {}
        for label, value in _labels(project, service).items():
            if match := _LABEL.fullmatch(label):
                routers.setdefault(match[1], {})[match[2].lower()] = value
        for name, router in routers.items():
            backend = router.get("service", "")
            owner = backends.get(backend.partition("@")[0].lower(), service)
            owner = proxy or service if backend.endswith(_INTERNAL) else owner
            try:
                for each in _routes(project, router, owner, ports):
                    # Of the same route over http and https, the first redirects to the second.
                    plain, secure = each.url.partition("://")[2], f"https://{each.url[7:]}"
                    if secure not in found or each.url.startswith("https"):
                        found.pop(f"http://{plain}", None)
                        found[each.url] = each
            except UndecidedError as error:
                todo.append(f"router {name} of {service}: depends on {error}")
            else:
                if "rule" in router and not _HOSTS.search(router["rule"]):
                    todo.append(f"router {name} of {service}: its rule names no host")
    return Routes(tuple(found.values()), dict(_backend_ports(project)), tuple(todo))


def api_is_open(project: Project, proxy: str) -> bool:
    """Return whether the API of a Traefik is open to its networks, at port 8080."""
    service = project.services[proxy]
    value = str((service.get("environment") or {}).get("TRAEFIK_API_INSECURE") or "")
    return value.lower() == "true" or any(map(_INSECURE.fullmatch, service.get("command") or ()))


def _labels(project: Project, service: str) -> dict[str, str]:
    written = project.written_service(service)
    labels = as_mapping(written.get("labels"))
    labels.update(as_mapping((written.get("deploy") or {}).get("labels")))
    is_off = labels.get("traefik.enable", "").lower() == "false"
    return {} if is_off else labels


def _backends(project: Project) -> Iterator[tuple[str, str]]:
    for service in project.services:
        for label in _labels(project, service):
            if match := _BACKEND.match(label):
                yield match[1].lower(), service


def _backend_ports(project: Project) -> Iterator[tuple[str, int]]:
    for service in project.services:
        for label, value in _labels(project, service).items():
            if _BACKEND.match(label) and label.lower().endswith(".server.port") and value.isdigit():
                yield service, int(value)


def _routes(
    project: Project, router: Mapping[str, str], owner: str, ports: "_Ports"
) -> Iterator[Route]:
    rule = router.get("rule", "")
    match = _PATH.search(rule)
    path = project.variables.expression(match[1]) if match else "/"
    names = [name for hosts in _HOSTS.findall(rule) for name in _QUOTED.findall(hosts)]
    names = [project.variables.expression(name) for name in names]
    is_tls = any(
        key.startswith("tls") and value.lower() != "false" for key, value in router.items()
    )
    for scheme, address in ports.of(router.get("entrypoints", ""), is_tls):
        for name in names:
            yield Route(url(scheme, name, address, path), owner, resolve(address))


class _Ports:
    """The entry points of Traefik, and where their ports are published."""

    def __init__(self, project: Project, proxy: str | None) -> None:
        self._published = published_at(project, proxy) if proxy else {}
        self._has_proxy = proxy is not None
        self._numbers = dict(_WELL_KNOWN)
        if proxy:
            service = project.services[proxy]
            for name, number in _ENTRYPOINT.findall(" ".join(service.get("command") or ())):
                self._numbers[name.lower()] = int(number)
            for name, value in (service.get("environment") or {}).items():
                if match := _ENTRYPOINT_VARIABLE.fullmatch(name):
                    number = str(value or "").rpartition(":")[2]
                    if number.isdigit():
                        self._numbers[match[1].lower()] = int(number)

    def of(self, entry_points: str, is_tls: bool) -> Iterator[tuple[str, str | None]]:
        """Yield the scheme of a router's entry points, and where their ports are published."""
        numbers = [
            self._numbers[name.strip().lower()]
            for name in entry_points.split(",")
            if name.strip().lower() in self._numbers
        ]
        if not numbers:
            secure = is_tls or not self._has_proxy or 443 in self._published
            numbers = [443 if secure else 80]
        for number in numbers:
            scheme = "https" if is_tls or number == 443 else "http"
            yield scheme, self._published.get(number)
