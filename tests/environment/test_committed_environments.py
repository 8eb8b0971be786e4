"""The committed environments load, and differ only where they should."""

import pytest
from pydantic import ValidationError

from stackproof.environment.loader import InvalidEnvironment, load, names
from stackproof.environment.services import Limits
from stackproof.kinds.postgresql import Postgresql
from stackproof.kinds.redis import Redis
from stackproof.sizes import Bytes
from tests.environment.committed import ENVIRONMENTS, NO_CONTEXT, different_fields, environment


def test_names() -> None:
    assert names(ENVIRONMENTS) == ("dev", "kinds", "lab", "prod", "proxies", "staging")


@pytest.mark.parametrize("name", names(ENVIRONMENTS))
def test_loads_offline_with_nothing_set(name: str) -> None:
    offline = load(name, ENVIRONMENTS, {}, offline=True)
    assert offline.name == name
    assert offline.services == environment(name).services


def test_staging_differs_from_production_only_in_place() -> None:
    prod, staging = environment("prod"), environment("staging", STAGING_DOMAIN="chatbuilds.com")
    assert staging.engine.address == "ssh://staging-user@staging-host:22"
    assert different_fields(prod, staging) == {
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


def test_staging_never_requests_production() -> None:
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


def test_lab_differs_from_production_only_in_place() -> None:
    variables = {"LAB_HTTPS_PORT": "8443", "LAB_HTTP_PORT": "8080", "LAB_CA_FILE": "/ca.crt"}
    lab = load("lab", ENVIRONMENTS, {**variables, **NO_CONTEXT})
    texts = {"name", "description"}
    prod = environment("prod")
    # Of the deploy, only the variables of the address of production's engine.
    assert different_fields(prod, lab) - texts == {
        "engine", "resolve", "ca_file", "deploy", "compose_file", "compose_project", "checkout",
        "services", "routes", "nginx", "outside", "host", "vantage", "forbid", "network",
        "datastores",
    }  # fmt: skip
    assert set(lab.forbid) > set(prod.forbid)
    assert prod.network is not None
    assert lab.network == prod.network.model_copy(update={"closed": True})
    # What the operator's page does not specify, and the available ports.
    unspecified = {"image", "restart", "secrets", "publish"}
    for name, service in prod.services.items():
        assert different_fields(service, lab.services[name]) <= unspecified | (
            {"limits"} if name == "redis" else set()
        )
    # What only root on the engine's machine can count.
    counted = {"pids": -1, "files_used": 0.9}
    assert lab.services["redis"].limits == prod.services["redis"].limits.model_copy(update=counted)
    # Small limits, which a fault reaches soon.
    limits = {"retained_wal", "ids_used", "idle_transaction_seconds", "lock_wait_seconds"}
    content_of_lab = {"data_directory", "expects"}
    of_lab = different_fields(
        prod.datastores.of(Postgresql)["postgres"], lab.datastores.of(Postgresql)["postgres"]
    )
    assert of_lab == limits | content_of_lab
    of_lab = different_fields(prod.datastores.of(Redis)["redis"], lab.datastores.of(Redis)["redis"])
    assert of_lab == {"append_only", "eviction"}
    assert lab.services["nginx"].publish == ("8080", "8443")
    # Of the routes, only the content of the responses of the lab's services.
    content: dict[str, object] = {"identity": None, "healthy": None, "instance": None}
    for name, route in prod.routes.items():
        assert route.model_copy(update=content) == lab.routes[name].model_copy(update=content)
    assert {name for name in lab.routes if name not in prod.routes} == {
        "nginx-status", "n8n-webhook", "n8n-events",
    }  # fmt: skip
    assert lab.routes["nginx-status"].expected_statuses == (401, 403)
    assert lab.outside is not None
    assert prod.outside is not None
    assert lab.outside.closed_ports == prod.outside.closed_ports
    assert lab.engine.address == "unix:///var/run/docker.sock"
    assert (lab.engine.key, lab.engine.host_key) == (None, None)
    assert lab.resolve == {"*:443": "127.0.0.1:8443", "*:80": "127.0.0.1:8080"}
    assert lab.deploy is not None
    assert lab.deploy.order == ("api", "web", "python-api", "nginx")
    assert lab.deploy.required_variables == ()


def test_ca_file_of_the_lab_is_relative_to_the_environment_file() -> None:
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
    assert set(dev.datastores.of(Redis)) == {"redis-dev"}
    assert dev.nginx is None


def test_development_on_a_server() -> None:
    variables = {"DEV_DEPLOY_HOST": "dev.example", "DEV_DEPLOY_USER": "deploy"}
    dev = load("dev", ENVIRONMENTS, variables)
    assert dev.engine.address == "ssh://deploy@dev.example:22"
    assert dev.routes["api"].url == "http://dev.example:5000/health"
    with pytest.raises(InvalidEnvironment, match="variable DEV_DEPLOY_USER is unset or empty"):
        load("dev", ENVIRONMENTS, {"DEV_DEPLOY_HOST": "dev.example"})


def test_secret_paths() -> None:
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
