"""Production's environment declares what the operator's page specifies."""

import pytest

from stackproof.environment.loader import InvalidEnvironment, load
from stackproof.kinds.postgresql import Postgresql
from stackproof.kinds.redis import Redis
from tests.environment.committed import (
    ENVIRONMENTS,
    GIB,
    MIB,
    environment,
)


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
        "n8n-push": ("https://chatbuilds.com/n8n/rest/push", "n8n", (200,)),
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
    postgres = prod.datastores.of(Postgresql)["postgres"]
    assert (postgres.user, postgres.database) == ("platform_admin", "platform_db")
    assert set(prod.datastores.of(Redis)) == {"redis"}
    assert prod.deploy is not None
    assert prod.deploy.order == ("api", "web", "python-api", "nginx")
    assert prod.deploy.optional_variables == ("SLACK_WEBHOOK",)


def test_production_health() -> None:
    services = environment("prod").services
    paths = {name: service.health.path for name, service in services.items() if service.health}
    assert paths == {
        "api": "/health",
        "web": "/",
        "pgadmin": "/misc/ping",
        "n8n": "/healthz/readiness",
        "python-api": "/health",
        "ollama": "/api/version",
        "nexusai": "/",
    }
    health = {name: services[name].health for name in paths}
    assert {name for name, each in health.items() if each and each.content} == {
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
