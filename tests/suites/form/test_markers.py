"""Which checks are critical, which run at a gate, and what each one needs to be declared.

Whether `-m critical` selects a check, and for which subjects it runs, is a decision of its own:
these lists are written by hand.
"""

from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.command_line import ROOT

CRITICAL = {
    "caddy.config_valid",
    "caddy.routed",
    "caddy.upstreams",
    "compose_file.valid",
    "containers.exists",
    "containers.healthy",
    "containers.processes",
    "containers.running",
    "datastores.accepts_connections",
    "datastores.loaded",
    "datastores.master",
    "datastores.ping",
    "datastores.query",
    "datastores.replicas",
    "datastores.writable",
    "deploy.image",
    "deploy.new_image",
    "deploy.recreated",
    "deploy.reloaded",
    "deploy.settled",
    "health.answers",
    "health.command",
    "health.listens",
    "health.request",
    "identity.service",
    "memcached.stats",
    "mounts.data",
    "mysql.ping",
    "mysql.query",
    "mysql.writable",
    "nginx.config_valid",
    "nginx.loaded_after",
    "nginx.resolves",
    "nginx.routed",
    "nginx.workers",
    "postgresql.data_directory",
    "postgresql.synchronous_standbys",
    "postgresql.tables",
    "rabbitmq.alarms",
    "rabbitmq.answers",
    "rabbitmq.listens",
    "rabbitmq.login",
    "rollback.image",
    "routes.forbidden_text",
    "routes.healthy",
    "routes.identity",
    "routes.status",
    "routes.upgrade",
    "tls.dates",
    "tls.host_name",
    "tls.trusted",
    "traefik.configuration",
    "traefik.routers",
    "traefik.servers",
}
DECLARES = {
    "caddy.config_loaded": ("has_admin",),
    "caddy.upstreams": ("has_admin",),
    "compose_file.cpu_limit": ("limits.cpus",),
    "compose_file.health_check": ("health_check_required",),
    "compose_file.image": ("image",),
    "compose_file.log_driver": ("logging.driver",),
    "compose_file.log_rotation": ("logging.max_size",),
    "compose_file.memory_limit": ("limits.memory",),
    "compose_file.published": ("publishes",),
    "compose_file.restart_policy": ("restart",),
    "compose_file.secrets": ("files",),
    "compose_file.subnet": ("environment.network",),
    "configuration.code_mounted": ("code",),
    "configuration.live_code": ("environment.code_in_image",),
    "configuration.log_driver": ("logging.driver",),
    "configuration.log_rotation": ("logging.max_size",),
    "configuration.secret_files": ("files",),
    "configuration.secret_permissions": ("environment.secrets",),
    "containers.flapping": ("healthcheck",),
    "containers.healthy": ("healthcheck",),
    "datastores.append_only": ("append_only",),
    "datastores.clients_free": ("clients_used",),
    "datastores.eviction": ("eviction",),
    "defaults.engine": ("left_out",),
    "defaults.image": ("left_to_image",),
    "deploy.clean_images": ("environment.deploy.clean_images",),
    "deploy.new_image": ("environment.deploy.new_images",),
    "deploy.order": ("deploy.order",),
    "health.answers": ("health",),
    "health.listens": ("listens",),
    "health.models": ("models",),
    "health.says": ("health.content",),
    "host.clock": ("clock_skew",),
    "host.engine_version": ("engine_version",),
    "identity.origin": ("environment.compose_file",),
    "identity.service": ("container",),
    "memcached.evicted": ("evicted",),
    "mounts.current": ("environment.host.compare_mounts",),
    "mounts.declared": ("mounts",),
    "mounts.undeclared": ("mounts",),
    "network.attached": ("attached_to_subnet", "environment.network"),
    "network.forwarded": ("ports", "publish"),
    "network.published": ("has_own_network", "publishes"),
    "network.strangers": ("network.closed",),
    "network.subnet": ("network.subnet",),
    "networks.aliases": ("networks",),
    "networks.internal": ("internal",),
    "networks.network_mode": ("network_mode",),
    "networks.networks": ("networks",),
    "networks.options": ("options",),
    "networks.strangers": ("closed",),
    "networks.subnets": ("subnets",),
    "nginx.log": ("log",),
    "predeploy.limits_together": ("no_overcommit",),
    "predeploy.memory": ("limits.memory",),
    "predeploy.order": ("deploy.order",),
    "predeploy.variables": ("deploy.required_variables",),
    "predeploy.volumes": ("external_volumes",),
    "postgresql.tables": ("expects",),
    "rabbitmq.login": ("has_password",),
    "options.health_check": ("health_check_options",),
    "options.isolation": ("isolation_options",),
    "options.labels": ("label_options",),
    "options.limits": ("limit_options",),
    "options.logging": ("logging_options",),
    "options.mounts": ("mount_options",),
    "options.network": ("network_options",),
    "options.process": ("process_options",),
    "options.variables": ("variables",),
    "resources.cpu_limit": ("limits.cpus",),
    "resources.cpu_throttled": ("limits.cpus",),
    "resources.effective_memory": ("limits.memory",),
    "resources.files_free": ("limits.files_used",),
    "resources.memory_free": ("limits.memory",),
    "resources.memory_limit": ("limits.memory",),
    "resources.pids_free": ("limits.pids",),
    "resources.pids_limit": ("limits.pids",),
    "resources.shm_size": ("shm_size",),
    "resources.ulimits": ("ulimits",),
    "routes.body_limit": ("body_limit",),
    "routes.forbidden_text": ("must_not.text",),
    "routes.healthy": ("healthy.content",),
    "routes.identity": ("identity.content",),
    "routes.instance": ("instance",),
    "routes.latency": ("budget_ms",),
    "routes.protected": ("protected",),
    "routes.redirects": ("redirects",),
    "routes.stream": ("stream",),
    "routes.upgrade": ("upgrade",),
    "specification.cap_add": ("cap_add",),
    "specification.cap_drop": ("cap_drop",),
    "specification.command": ("command",),
    "specification.devices": ("devices",),
    "specification.entrypoint": ("entrypoint",),
    "specification.extra_hosts": ("extra_hosts",),
    "specification.gpus": ("gpus",),
    "specification.health_check": ("healthcheck_test",),
    "specification.image_defaults": ("image_defaults",),
    "specification.no_new_privileges": ("no_new_privileges",),
    "specification.read_only": ("read_only",),
    "specification.user": ("user",),
}
GATES = {
    "compose_file": ("pre",),
    "predeploy": ("pre",),
    "deploy": ("post",),
    "rollback": ("rollback",),
    "deploy.settled": ("post", "rollback"),
}
"""By suite, or by check where it differs from its suite."""


def _checks() -> Iterator[tuple[str, list[pytest.Mark]]]:
    """Yield each check and its markers."""
    for path in sorted(ROOT.glob("suites/**/test_*.py")):
        module = import_module(
            "stackproof." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
        for function, check in vars(module).items():
            if function.startswith("test_"):
                yield f"{path.stem[5:]}.{function[5:]}", getattr(check, "pytestmark", [])


def _marked(name: str) -> dict[str, tuple[str, ...]]:
    """Return the arguments of a marker by check, sorted."""
    found: dict[str, list[str]] = {}
    for check, marks in _checks():
        for mark in marks:
            if mark.name == name:
                found.setdefault(check, []).extend(mark.args)
    return {check: tuple(sorted(arguments)) for check, arguments in found.items()}


def test_critical_checks() -> None:
    assert _marked("critical").keys() == CRITICAL


def test_fields_that_must_be_declared() -> None:
    assert _marked("declares") == DECLARES


def test_gates() -> None:
    checks = {check: check.partition(".")[0] for check, _ in _checks()}
    assert _marked("gate") == {
        check: GATES.get(check, GATES[suite]) for check, suite in checks.items() if suite in GATES
    }
