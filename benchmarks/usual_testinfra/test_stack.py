"""`pytest -m lab` the usual way: pytest-testinfra, one call an assertion."""
# ruff: noqa: D103, S101

import os
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import testinfra

GIB = 1024**3
LIMITS = {
    "nginx": (1.0, GIB // 2),
    "api": (2.0, 2 * GIB),
    "web": (1.5, GIB),
    "postgres": (2.0, 4 * GIB),
    "redis": (1.0, GIB // 2),
    "n8n": (1.5, 2 * GIB),
    "python-api": (4.0, 4 * GIB),
    "ollama": (4.0, 8 * GIB),
    "nexusai": (2.0, 2 * GIB),
}
SERVICES = [*LIMITS, "pgadmin"]
HEALTHY = ["nginx", "api", "web", "postgres", "redis", "n8n", "python-api", "ollama"]
SITE = "https://chatbuilds.com"
ROUTES = [
    f"{SITE}/",
    f"{SITE}/health",
    f"{SITE}/api",
    f"{SITE}/api/health",
    "https://python-api.chatbuilds.com/",
    "https://python-api.chatbuilds.com/health",
    "https://nexusai.domain.com/",
]
FOLLOWED = [f"{SITE}/pgadmin", f"{SITE}/n8n"]
PLAIN = "http://chatbuilds.com/"

host = testinfra.get_host("local://")
each_service = pytest.mark.parametrize("service", SERVICES)
each_limit = pytest.mark.parametrize("service", LIMITS)


def inspect(service: str) -> Any:
    return host.docker(f"vpn-{service}").inspect()


def curl(url: str, *options: str) -> str:
    port = os.environ["LAB_HTTPS_PORT" if url.startswith("https") else "LAB_HTTP_PORT"]
    parts = urlsplit(url)
    url = parts._replace(netloc=f"{parts.hostname}:{port}").geturl()
    command = f"curl -sS --max-time 5 --resolve {parts.hostname}:{port}:127.0.0.1"
    command += f" --cacert {os.environ['LAB_CA_FILE']} {' '.join(options)} {url}"
    return str(host.check_output(command))


def status(url: str, *options: str) -> int:
    return int(curl(url, "-o /dev/null -w '%{http_code}'", *options))


def locations(url: str, *options: str) -> list[str]:
    headers = curl(url, "-o /dev/null -D -", *options).splitlines()
    return [line.split()[1] for line in headers if line.lower().startswith("location:")]


@each_service
def test_exists(service: str) -> None:
    assert host.run(f"docker inspect vpn-{service}").rc == 0


@each_service
def test_running(service: str) -> None:
    assert inspect(service)["State"]["Status"] == "running"


@pytest.mark.parametrize("service", HEALTHY)
def test_healthy(service: str) -> None:
    assert inspect(service)["State"]["Health"]["Status"] == "healthy"


@each_service
def test_restarts(service: str) -> None:
    assert inspect(service)["RestartCount"] == 0


@each_service
def test_oom_killed(service: str) -> None:
    assert inspect(service)["State"]["OOMKilled"] is False


@each_limit
def test_cpu_limit(service: str) -> None:
    config = inspect(service)["HostConfig"]
    cpus = config["NanoCpus"] / 1e9 or config["CpuQuota"] / (config["CpuPeriod"] or 100_000)
    assert cpus == LIMITS[service][0]


@each_limit
def test_memory_limit(service: str) -> None:
    assert inspect(service)["HostConfig"]["Memory"] == LIMITS[service][1]


@each_limit
def test_effective_memory(service: str) -> None:
    stats = host.check_output(
        f"docker stats --no-stream --format '{{{{.MemUsage}}}}' vpn-{service}"
    )
    machine = int(host.check_output("docker info --format '{{.MemTotal}}'"))
    limit = min(LIMITS[service][1], machine)
    expected = f"{limit / GIB:.4g}GiB" if limit >= GIB else f"{limit / 1024**2:.4g}MiB"
    assert stats.split(" / ")[1] == expected


def test_postgres() -> None:
    postgres = testinfra.get_host("docker://vpn-postgres")
    assert postgres.run("pg_isready -U platform_admin -d platform_db").rc == 0


def test_redis() -> None:
    redis = testinfra.get_host("docker://vpn-redis")
    assert redis.check_output("timeout 3 redis-cli ping") == "PONG"


def test_nginx_config() -> None:
    nginx = testinfra.get_host("docker://vpn-nginx")
    assert nginx.run("nginx -t").rc == 0


@pytest.mark.parametrize("url", ROUTES)
def test_route(url: str) -> None:
    assert status(url) == 200


@pytest.mark.parametrize("url", FOLLOWED)
def test_route_followed(url: str) -> None:
    assert status(url, "-L") == 200


def test_plain_http_is_permanently_redirected() -> None:
    assert status(PLAIN) in (301, 308)


@pytest.mark.parametrize("url", FOLLOWED)
def test_redirects_stay(url: str) -> None:
    for location in locations(url, "-L"):
        assert urljoin(url, location).startswith(f"{SITE}/")


def test_plain_http_redirect_stays() -> None:
    for location in locations(PLAIN):
        assert urlsplit(urljoin(PLAIN, location)).hostname == "chatbuilds.com"
