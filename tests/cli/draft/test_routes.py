"""Routes that `stackproof init` finds in labels of Traefik and in configurations of nginx."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stackproof.cli.draft import nginx, traefik
from stackproof.cli.draft.routes import Routes
from stackproof.environment.model import Environment
from tests.cli.draft.conftest import Init, project_of

Written = Callable[[], str]


def _routes(shop: Environment) -> Mapping[str, str]:
    return {each.url: each.service for each in shop.routes.values()}


RULE = "traefik.http.routers.app.rule"


def test_case_43(init: Init, written: Written) -> None:
    shop = init(
        """\
        services:
          proxy:
            image: "traefik:3.1"
            ports: ["80:80", "443:443"]
            volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
          app:
            image: "img/app:1"
            labels:
              traefik.enable: "true"
              traefik.http.routers.app.rule: "Host(`app.example.com`)"
              traefik.http.services.app.loadbalancer.server.port: "8000"
        """
    )
    assert _routes(shop) == {"https://app.example.com": "app"}
    assert shop.services["app"].ports == (8000,)
    assert dict(shop.resolve) == {"*:443": "127.0.0.1:443"}
    assert "# TODO: requests go to this machine." in written()
    assert shop.services["proxy"].may == ("engine-socket",), "the Compose file grants it"
    assert shop.nginx is None


def test_a_port_in_labels_is_one_more_port(init: Init) -> None:
    """Of Traefik itself: its dashboard is no service of Compose, and any number will do."""
    shop = init(
        """\
        services:
          proxy:
            image: "traefik:3.1"
            ports: ["80:80", "443:443"]
            labels: {traefik.http.services.dashboard.loadbalancer.server.port: "8080"}
          app:
            image: "img/app:1"
            expose: [8000]
            labels: {traefik.http.services.app.loadbalancer.server.port: "8000"}
        """
    )
    assert {name: each.ports for name, each in shop.services.items()} == {
        "proxy": (8080, 80, 443), "app": (8000,)
    }  # fmt: skip


def _found(folder: Path, *labels: str, proxy: Mapping[str, Any] | None = None) -> Routes:
    front = {"proxy": PROXY if proxy is None else proxy} if proxy != {} else {}
    project = project_of(folder, {**front, "app": {"image": "app", "labels": list(labels)}})
    return traefik.routes(project, "proxy" if front else None)


def _port(published: str, target: int, host_ip: str = "") -> dict[str, Any]:
    return {"published": published, "target": target, "host_ip": host_ip, "protocol": "tcp"}


PROXY = {"image": "traefik:3.1", "ports": [_port("80", 80), _port("443", 443)]}


@pytest.mark.parametrize(
    ("labels", "routes"),
    [
        ([f"{RULE}=Host(`a.example`)"], ["https://a.example"]),
        ([f"{RULE}=Host(`a.example`, `b.example`)"], ["https://a.example", "https://b.example"]),
        ([f'{RULE}=Host("a.example") || Host("b.example")'],
         ["https://a.example", "https://b.example"]),
        ([f"{RULE}=Host(`a.example`) && PathPrefix(`/api`)"], ["https://a.example/api"]),
        ([f"{RULE}=Host(`a.example`)", "traefik.http.routers.app.entrypoints=web"],
         ["http://a.example"]),
        ([f"{RULE}=Host(`a.example`)", "traefik.http.routers.app.entrypoints=web,websecure"],
         ["https://a.example"]),
        ([f"{RULE}=Host(`a.example`)", "traefik.http.routers.app.tls.certresolver=le"],
         ["https://a.example"]),
        ([f"{RULE}=Host(`a.example`)", "traefik.http.routers.app.entrypoints=web",
          "traefik.http.routers.app-secure.rule=Host(`a.example`)",
          "traefik.http.routers.app-secure.tls=true"],
         ["https://a.example"]),
        (["traefik.enable=false", f"{RULE}=Host(`a.example`)"], []),
        (["traefik.tcp.routers.app.rule=HostSNI(`*`)"], []),
        (["com.example=1"], []),
    ],
)  # fmt: skip
def test_labels(folder: Path, labels: list[str], routes: list[str]) -> None:
    assert sorted(each.url for each in _found(folder, *labels).routes) == routes


TLS = (
    f"{RULE}=Host(`a.example`)",
    "traefik.http.routers.app.entrypoints=outside",
    "traefik.http.routers.app.tls=true",
)


@pytest.mark.parametrize(
    "settings",
    [
        {"command": ["--entryPoints.outside.address=:8443"]},
        {"environment": {"TRAEFIK_ENTRYPOINTS_OUTSIDE_ADDRESS": ":8443"}},
    ],
)
def test_entry_points(folder: Path, settings: Mapping[str, Any]) -> None:
    proxy = {"image": "traefik", "ports": [_port("9443", 8443, "127.0.0.1")], **settings}
    (route,) = _found(folder, *TLS, proxy=proxy).routes
    assert (route.url, route.service) == ("https://a.example:9443", "app")
    assert route.resolve == {"*:9443": "127.0.0.1:9443"}


def test_a_proxy_of_another_project(folder: Path) -> None:
    (route,) = _found(folder, *TLS, proxy={}).routes
    assert (route.url, route.resolve) == ("https://a.example", {})


def test_the_service_that_a_router_names(folder: Path) -> None:
    proxy = {
        **PROXY,
        "labels": {
            "traefik.http.routers.dashboard.rule": "Host(`traefik.example`)",
            "traefik.http.routers.dashboard.service": "api@internal",
            "traefik.http.routers.app.rule": "Host(`app.example`)",
            "traefik.http.routers.app.service": "backend",
        },
    }
    port = "traefik.http.services.backend.loadbalancer.server.port"
    found = _found(folder, f"{port}=80", proxy=proxy)
    assert {each.url: each.service for each in found.routes} == {
        "https://traefik.example": "proxy", "https://app.example": "app"
    }  # fmt: skip
    assert found.ports == {"app": 80}


def test_hosts_of_variables(init: Init, written: Written) -> None:
    shop = init(
        {
            ".env": "DOMAIN=shop.example\n",
            "compose.yaml": """\
                services:
                  app:
                    image: app
                    labels:
                      - traefik.http.routers.app.rule=Host(`app.${DOMAIN}`)
                      - traefik.http.routers.other.rule=Host(`$UNSET_HOST`)
                      - traefik.http.routers.any.rule=PathPrefix(`/x`)
                """,
        }
    )
    assert _routes(shop) == {"https://app.shop.example": "app"}
    assert "'https://app.${DOMAIN}'" in written()
    assert "shop.example" not in written()
    assert "env_file: ../.env" in written()
    assert "# TODO: router other of app: depends on UNSET_HOST" in written()
    assert "# TODO: router any of app: its rule names no host" in written()


@pytest.mark.parametrize(
    ("configuration", "routes"),
    [
        ("server { location / { proxy_pass http://web:3000; } "
         "location /api { proxy_pass http://backend; } }",
         {"http://localhost:8080": "web", "http://localhost:8080/api": "api"}),
        ("upstream pool { server api:5000; server api:5001; } server { listen 80; server_name _; "
         "location / { proxy_pass http://pool; } }",
         {"http://localhost:8080": "api"}),
        ("server { listen 443 ssl; server_name shop.example; "
         "location / { proxy_pass http://shop-web; } }"
         "server { listen 80; server_name shop.example; return 301 https://$host$request_uri; }",
         {"https://shop.example": "web", "http://shop.example:8080": "proxy"}),
        ("server { listen 80; server_name *.example ~^a; root /srv; location ~ x { return 404; } }",
         {"http://localhost:8080": "proxy"}),
        ("server { listen 9000; location / { proxy_pass http://web; } }", {}),
        ("server { location / { proxy_pass http://$unknown; } }", {}),
        ("server { location / { proxy_pass http://elsewhere.example; } }", {}),
    ],
)  # fmt: skip
def test_nginx(folder: Path, configuration: str, routes: dict[str, str]) -> None:
    (folder / "default.conf").write_text(configuration, encoding="utf-8")
    mount = {"type": "bind", "source": str(folder), "target": "/etc/nginx/conf.d"}
    services = {
        "proxy": {"image": "nginx", "ports": [_port("8080", 80), _port("443", 443)],
                  "volumes": [mount]},
        "web": {"container_name": "shop-web"},
        "api": {"networks": {"default": {"aliases": ["backend"]}}},
    }  # fmt: skip
    found = nginx.routes(project_of(folder, services), "proxy")
    assert {each.url: each.service for each in found.routes} == routes
    for each in found.routes:
        is_redirect = each.service == "proxy" and "301" in configuration
        assert each.more == ({"status": [301, 308], "upgrade": "https"} if is_redirect else {})


def test_the_whole_configuration_of_nginx(init: Init) -> None:
    compose = """\
        services:
          proxy:
            image: nginxinc/nginx-unprivileged
            ports: ["80:8080"]
            configs: [{source: main, target: /etc/nginx/nginx.conf}]
          web: {image: web}
        configs: {main: {file: ./nginx.conf}}
        """
    main = "events {} http { server { listen 8080; location / { proxy_pass http://web; } } }"
    assert _routes(init({"compose.yaml": compose, "nginx.conf": main})) == {
        "http://localhost": "web"
    }


def test_templates_of_nginx(init: Init, written: Written) -> None:
    """Host names that are values of variables are not copied."""
    compose = """\
        services:
          proxy:
            image: nginx
            ports: ["80:8080"]
            volumes: ["./templates:/etc/nginx/templates:ro"]
            environment: {PORT: 8080, HOST_OF_SITE: "www.${DOMAIN}", API: "${API_NAME:-api}"}
          api: {image: api}
        """
    template = (
        "server { listen ${PORT}; server_name $HOST_OF_SITE; "
        "location / { proxy_pass http://$API:5; proxy_set_header Host $host; } }"
    )
    files = {".env": "DOMAIN=site.example\n", "templates/site.conf.template": template}
    shop = init({"compose.yaml": compose, **files})
    assert _routes(shop) == {"http://www.site.example": "api"}
    assert "'http://www.${DOMAIN}'" in written()
    assert "site.example" not in written()


def test_a_template_of_unknown_host(init: Init, written: Written) -> None:
    compose = """\
        services:
          proxy:
            image: nginx
            ports: ["80:80"]
            volumes: ["./templates:/etc/nginx/templates:ro"]
            environment: {SITE: "www.example.${UNSET_TLD}"}
        """
    template = "server { server_name ${SITE}; location / { return 200; } }"
    assert not init({"compose.yaml": compose, "templates/a.conf.template": template}).routes
    assert "# TODO: the configuration of proxy depends on UNSET_TLD" in written()


@pytest.mark.parametrize(
    ("volume", "text", "todo"),
    [
        ("./conf:/usr/share/nginx/html", "", "the configuration of proxy is not mounted from here"),
        ("./conf:/etc/nginx/conf.d", "server { ", "nginx's configuration cannot be read: it ends"),
    ],
)
def test_a_configuration_that_cannot_be_read(
    init: Init, written: Written, volume: str, text: str, todo: str
) -> None:
    compose = f"services: {{proxy: {{image: nginx, ports: ['80:80'], volumes: ['{volume}']}}}}"
    shop = init({"compose.yaml": compose, "conf/default.conf": text})
    assert not shop.routes
    assert f"# TODO: {todo}" in written()


def test_which_of_two_is_the_proxy(init: Init, written: Written) -> None:
    shop = init(
        "services: {a: {image: nginx, ports: ['80:80']}, b: {image: nginx, ports: ['81:80']}}"
    )
    assert shop.nginx is None
    assert "# TODO: which is the proxy: a, b" in written()
