"""Commands of probes: their lines, and one exec for all that are needed of a container."""

import pytest

from stackproof.environment.model import Environment
from stackproof.probes import snapshot  # noqa: F401 - it imports all probes
from stackproof.probes.declaration import PROBES, Target

ENVIRONMENT = Environment.model_validate(
    {
        "name": "shop",
        "services": {"db": {}, "cache": {}, "proxy": {}},
        "datastores": {
            "postgresql": {"db": {"user": "o'brien; reboot", "database": "shop"}},
            "redis": {"cache": {}},
        },
        "nginx": {"service": "proxy"},
    }
)


@pytest.mark.parametrize(
    ("probe", "service", "line"),
    [
        ("pg_isready", "db", "pg_isready -U 'o'\"'\"'brien; reboot' -d shop"),
        ("redis_ping", "cache", "redis-cli ping"),
        ("redis_info", "cache", "redis-cli info"),
        ("nginx_test", "proxy", "nginx -t"),
    ],
)
def test_line(probe: str, service: str, line: str) -> None:
    commands = PROBES[probe].commands
    assert commands
    found = commands(Target(ENVIRONMENT, service))
    assert {name: each.label or each for name, each in found.items()} == {probe: line}
