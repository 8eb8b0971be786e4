"""The environments that ship hold what the operator's page says."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from environments.loader import InvalidEnvironment, load, names
from environments.model import Environment
from environments.services import Limits, Service
from environments.sizes import Bytes

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
# Whatever context the user of this machine has chosen.
NO_CONTEXT = {"DOCKER_CONFIG": "/nonexistent"}
MIB = 1024**2
GIB = 1024**3
SERVER = {
    f"{stage}_DEPLOY_{what}": f"{stage}-{what}".lower()
    for stage in ("PROD", "STAGING")
    for what in ("HOST", "USER", "SSH_KEY")
}


def environment(name: str, **variables: str) -> Environment:
    return load(name, ENVIRONMENTS, {**SERVER, **variables})


def test_names() -> None:
    assert names(ENVIRONMENTS) == ("dev", "lab", "prod", "staging")


@pytest.mark.parametrize("name", names(ENVIRONMENTS))
def test_loads_offline_with_nothing_set(name: str) -> None:
    offline = load(name, ENVIRONMENTS, {}, offline=True)
    assert offline.name == name
    assert offline.services == environment(name).services


def test_limits() -> None:
    services = environment("prod").services
    assert {
        name: (service.limits.cpus, service.limits.memory) for name, service in services.items()
    } == {
        "nginx": (1.0, 512 * MIB),
        "api": (2.0, 2 * GIB),
        "web": (1.5, 1 * GIB),
        "postgres": (2.0, 4 * GIB),
        "pgadmin": (None, None),
        "redis": (1.0, 512 * MIB),
        "n8n": (1.5, 2 * GIB),
        "python-api": (4.0, 4 * GIB),
        "ollama": (4.0, 8 * GIB),
        "nexusai": (2.0, 2 * GIB),
    }
    assert sum(service.limits.cpus or 0 for service in services.values()) == 19
    assert sum(service.limits.memory or 0 for service in services.values()) == 24 * GIB


def test_production_services() -> None:
    services = environment("prod").services
    assert {name: service.ports for name, service in services.items()} == {
        "nginx": (80, 443),
        "api": (5000,),
        "web": (3000,),
        "postgres": (5432,),
        "pgadmin": (80,),
        "redis": (6379,),
        "n8n": (5678,),
        "python-api": (5001,),
        "ollama": (11434,),
        "nexusai": (80,),
    }
    assert {name for name, s in services.items() if s.container != f"vpn-{name}"} == set()
    assert {name: s.publish for name, s in services.items() if s.publish} == {
        "nginx": ("80", "443")
    }
    assert {name for name, s in services.items() if s.healthcheck == "required"} == {
        "api", "web", "python-api", "postgres", "redis", "n8n", "ollama",
    }  # fmt: skip
    assert services["nginx"].healthcheck == "if-present"
    assert services["pgadmin"].healthcheck is services["nexusai"].healthcheck is None


def test_production_routes() -> None:
    routes = environment("prod").routes.values()
    assert {route.name: (route.url, route.service, route.status) for route in routes} == {
        "home": ("https://chatbuilds.com/", "web", (200,)),
        "health": ("https://chatbuilds.com/health", "nginx", (200,)),
        "api": ("https://chatbuilds.com/api", "api", (200,)),
        "api-health": ("https://chatbuilds.com/api/health", "api", (200,)),
        "python-api": ("https://python-api.chatbuilds.com/", "python-api", (200,)),
        "python-api-health": ("https://python-api.chatbuilds.com/health", "python-api", (200,)),
        "nexusai": ("https://nexusai.domain.com/", "nexusai", (200,)),
        "pgadmin": ("https://chatbuilds.com/pgadmin", "pgadmin", (200,)),
        "n8n": ("https://chatbuilds.com/n8n", "n8n", (200,)),
        "http-redirect": ("http://chatbuilds.com/", "nginx", (301, 308)),
        "server-health": ("http://localhost/health", "nginx", (200,)),
        "server-api-health": ("http://localhost/api/health", "api", (200,)),
    }
    assert {route.name for route in routes if route.vantage == "server"} == {
        "server-health", "server-api-health",
    }  # fmt: skip
    assert {route.name for route in routes if route.follow_redirects} == {"pgadmin", "n8n"}
    assert {route.name for route in routes if route.redirects == "same-host"} == {
        "pgadmin", "n8n", "http-redirect",
    }  # fmt: skip


def test_domain_of_nexusai() -> None:
    routes = environment("prod", NEXUSAI_DOMAIN="nexus.example").routes
    assert routes["nexusai"].url == "https://nexus.example/"


def test_production_stack() -> None:
    prod = environment("prod")
    assert prod.compose_file == "infrastructure/docker/docker-compose.prod.yml"
    assert prod.checkout == "/opt/vpn-enterprise"
    assert prod.code_mounted is False
    assert prod.network is not None
    assert prod.network.subnet == "172.20.0.0/16"
    assert prod.logging is not None
    assert (prod.logging.driver, prod.logging.max_size) == ("json-file", 10 * MIB)
    assert prod.secrets is not None
    assert (prod.secrets.directory, prod.secrets.mount) == ("./secrets", "/run/secrets")
    assert prod.nginx is not None
    assert prod.nginx.service == "nginx"
    postgres = prod.datastores.postgresql["postgres"]
    assert (postgres.user, postgres.database) == ("platform_admin", "platform_db")
    assert set(prod.datastores.redis) == {"redis"}
    assert prod.deploy is not None
    assert prod.deploy.order == ("api", "web", "python-api", "nginx")
    assert prod.deploy.optional_variables == ("SLACK_WEBHOOK",)


def test_production_health() -> None:
    services = environment("prod").services
    asked = {name: service.health.path for name, service in services.items() if service.health}
    assert asked == {
        "api": "/health",
        "web": "/",
        "pgadmin": "/misc/ping",
        "n8n": "/healthz",
        "python-api": "/health",
        "ollama": "/api/version",
        "nexusai": "/",
    }
    says = {name: services[name].health for name in asked}
    assert {name for name, health in says.items() if health and health.says} == {
        "api", "pgadmin", "n8n", "python-api", "ollama",
    }  # fmt: skip
    assert {name: s.models for name, s in services.items() if s.models} == {
        "ollama": ("llama3.2", "nomic-embed-text")
    }


def test_production_host() -> None:
    host = environment("prod").host
    assert host is not None
    assert (host.engine_version, host.clock_skew) == ("20.10", 2)
    assert (host.disk_free, host.inodes_free, host.memory_available) == (0.05, 0.05, 0.05)


def test_production_from_outside() -> None:
    prod = environment("prod")
    assert prod.outside is not None
    assert prod.outside.host == "prod-host"
    inside = {port for service in prod.services.values() for port in service.ports} - {80, 443}
    assert set(prod.outside.closed_ports) == inside
    staging = environment("staging").outside
    assert staging is not None
    assert (staging.host, staging.closed_ports) == ("staging-host", prod.outside.closed_ports)


def test_production_tls() -> None:
    tls = environment("prod").tls
    assert tls is not None
    assert (tls.days_left, tls.warn_days_left) == (7, 21)


def test_production_engine() -> None:
    engine = environment("prod").engine
    assert engine.address == "ssh://prod-user@prod-host:22"
    assert engine.key is not None
    assert engine.key.get_secret_value() == "prod-ssh_key"
    assert environment("prod", PROD_DEPLOY_PORT="2222").engine.address.endswith(":2222")
    assert environment("prod", PROD_DEPLOY_SSH_KEY="").engine.key is None
    assert environment("prod", PROD_DEPLOY_HOST_KEY="").engine.host_key is None
    with pytest.raises(InvalidEnvironment, match="PROD_DEPLOY_USER, PROD_DEPLOY_HOST are unset"):
        load("prod", ENVIRONMENTS, {})


def test_staging_is_production_elsewhere() -> None:
    prod, staging = environment("prod"), environment("staging", STAGING_DOMAIN="chatbuilds.com")
    assert staging.engine.address == "ssh://staging-user@staging-host:22"
    assert differing(prod, staging) == {
        "name", "description", "engine", "outside", "routes", "deploy",
    }  # fmt: skip
    assert {name for name in prod.routes if prod.routes[name] != staging.routes[name]} == {
        "nexusai"
    }
    assert prod.deploy is not None
    assert staging.deploy is not None
    assert staging.deploy.order == prod.deploy.order
    own = ("STAGING_DEPLOY_HOST", "STAGING_DEPLOY_USER", "STAGING_DEPLOY_SSH_KEY")
    assert staging.deploy.required_variables == own


def test_staging_never_looks_at_production() -> None:
    hosts = {
        route.url.split("/")[2]
        for route in environment("staging").routes.values()
        if route.vantage == "here"
    }
    assert hosts == {
        "staging.chatbuilds.com",
        "python-api.staging.chatbuilds.com",
        "nexusai.staging.chatbuilds.com",
    }


def test_lab_is_production_reached_otherwise() -> None:
    variables = {"LAB_HTTPS_PORT": "8443", "LAB_HTTP_PORT": "8080", "LAB_CA_FILE": "/ca.crt"}
    lab = load("lab", ENVIRONMENTS, {**variables, **NO_CONTEXT})
    told = {"name", "description"}
    prod = environment("prod")
    # Of the deploy, only the variables that lead to production's engine.
    assert differing(prod, lab) - told == {
        "engine", "resolve", "ca_file", "deploy", "compose_file", "compose_project", "checkout",
        "services", "routes", "nginx", "outside", "host", "vantage",
    }  # fmt: skip
    # What the operator's page leaves open, and the ports at hand.
    left_open = {"image", "restart", "secrets", "publish"}
    for name, service in prod.services.items():
        assert differing(service, lab.services[name]) <= left_open
    assert lab.services["nginx"].publish == ("8080", "8443")
    # Of the routes, only what the lab's own services say of themselves.
    said: dict[str, object] = {"identity": None, "healthy": None, "instance": None}
    for name, route in prod.routes.items():
        assert route.model_copy(update=said) == lab.routes[name].model_copy(update=said)
    assert {name for name in lab.routes if name not in prod.routes} == {"nginx-status"}
    assert lab.routes["nginx-status"].right == (401, 403)
    assert lab.outside is not None
    assert prod.outside is not None
    assert lab.outside.closed_ports == prod.outside.closed_ports
    assert lab.engine.address == "unix:///var/run/docker.sock"
    assert (lab.engine.key, lab.engine.host_key) == (None, None)
    assert lab.resolve == {"*:443": "127.0.0.1:8443", "*:80": "127.0.0.1:8080"}
    assert lab.deploy is not None
    assert lab.deploy.order == ("api", "web", "python-api", "nginx")
    assert lab.deploy.required_variables == ()


def test_lab_authority_is_relative_to_the_file() -> None:
    lab = load("lab", ENVIRONMENTS, {"LAB_CA_FILE": "../lab/ca.crt"})
    assert lab.ca_file == str(ENVIRONMENTS.parent / "lab" / "ca.crt")
    assert load("lab", ENVIRONMENTS, {"LAB_CA_FILE": "/etc/ca.crt"}).ca_file == "/etc/ca.crt"
    assert load("lab", ENVIRONMENTS, {"LAB_CA_FILE": ""}).ca_file is None


def test_development() -> None:
    dev = load("dev", ENVIRONMENTS, NO_CONTEXT)
    assert dev.engine.address == "unix:///var/run/docker.sock"
    assert dev.code_mounted is True
    assert dev.compose_file == "infrastructure/docker/docker-compose.dev.yml"
    assert {service.container: service.publish for service in dev.services.values()} == {
        "vpn-api-dev": ("5000",),
        "vpn-web-dev": ("3000",),
        "vpn-redis-dev": ("6379",),
        "vpn-n8n-dev": ("5678",),
        "vpn-nexusai-dev": ("8080",),
        "vpn-ollama-dev": ("11434",),
        "vpn-python-api-dev": ("5001",),
    }
    assert {name for name, service in dev.services.items() if service.code} == {
        "api-dev", "web-dev", "python-api-dev",
    }  # fmt: skip
    assert {service.healthcheck for service in dev.services.values()} == {"if-present"}
    assert {service.limits for service in dev.services.values()} == {Limits()}
    assert dev.routes["api"].url == "http://localhost:5000/health"
    assert set(dev.datastores.redis) == {"redis-dev"}
    assert dev.nginx is None


def test_development_on_a_server() -> None:
    variables = {"DEV_DEPLOY_HOST": "dev.example", "DEV_DEPLOY_USER": "deploy"}
    dev = load("dev", ENVIRONMENTS, variables)
    assert dev.engine.address == "ssh://deploy@dev.example:22"
    assert dev.routes["api"].url == "http://dev.example:5000/health"
    with pytest.raises(InvalidEnvironment, match="variable DEV_DEPLOY_USER is unset or empty"):
        load("dev", ENVIRONMENTS, {"DEV_DEPLOY_HOST": "dev.example"})


def test_where_a_service_sees_its_secrets() -> None:
    lab = load("lab", ENVIRONMENTS, {})
    assert lab.secret_paths(lab.services["n8n"]) == {"/run/secrets/n8n_encryption_key"}
    dev = load("dev", ENVIRONMENTS, {})
    assert [dev.secret_paths(service) for service in dev.services.values()] == [frozenset()] * 7


def test_frozen() -> None:
    prod = environment("prod")
    with pytest.raises(ValidationError, match="frozen"):
        prod.services["api"].limits.memory = Bytes(1)  # type: ignore[misc]
    with pytest.raises(TypeError, match="does not support item assignment"):
        prod.services["extra"] = prod.services["api"]  # type: ignore[index]


def differing(one: Environment | Service, other: Environment | Service) -> set[str]:
    fields = type(one).model_fields
    return {field for field in fields if getattr(one, field) != getattr(other, field)}
