"""What a Compose file leaves out, and what it does not leave out."""

import pytest

from tests.environment.compose.conftest import Load

EVERYTHING = {
    "mem_limit", "mem_reservation", "cpus", "cpuset", "cpu_shares", "pids_limit", "oom_score_adj",
    "read_only", "cap_add", "cap_drop", "no_new_privileges", "init", "devices", "group_add",
    "extra_hosts", "dns", "tmpfs", "dns_search", "dns_opt", "memswap_limit", "stop_grace_period",
    "tty", "stdin_open", "pid", "uts", "userns_mode", "oom_kill_disable", "device_cgroup_rules",
    "privileged", "ipc", "volumes_from", "security_opt",
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("", set()),
        ("mem_limit: 64m, cpus: 0.5, pids_limit: 10", {"mem_limit", "cpus", "pids_limit"}),
        ("pids_limit: -1, read_only: false, init: false, cap_add: []", set()),
        ("init: true, read_only: true", {"init", "read_only"}),
        ("deploy: {resources: {limits: {cpus: '0.5', memory: 64m, pids: 10}, "
         "reservations: {memory: 20m}}}", {"mem_limit", "cpus", "pids_limit", "mem_reservation"}),
        ("security_opt: ['no-new-privileges:false']", {"no_new_privileges", "security_opt"}),
        ("cpu_quota: 50000", {"cpus"}),
        ("memswap_limit: 1g, stop_grace_period: 1m, pid: host",
         {"memswap_limit", "stop_grace_period", "pid"}),
        # It drops no others.
        ("cap_drop: [CHOWN]", set()),
        # The stack is deployed with other variables.
        ("mem_limit: '${MEMORY:-0}', read_only: '${READ_ONLY:-false}'", {"mem_limit", "read_only"}),
        ("deploy: {resources: {limits: {memory: '${MEMORY:-0}'}}}",
         {"mem_limit", "mem_reservation", "cpus", "pids_limit", "devices"}),
    ],
)  # fmt: skip
def test_left_out(stack: Load, written: str, declared: set[str]) -> None:
    web = stack(f"services: {{web: {{image: app, {written}}}}}").services["web"]
    assert set(web.left_out) == EVERYTHING - declared


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("", set()),
        ("healthcheck: {test: exit 0}", set()),
        ("healthcheck: {test: 'echo ${WORD:-ok}', interval: 1s}", set()),
        # It is not known here what they are.
        ("healthcheck: {test: 'curl localhost:${PORT}', interval: 1s}", {"healthcheck"}),
        ("healthcheck: {test: [CMD, curl, '$URL']}", {"healthcheck"}),
        ("healthcheck: {disable: true}", {"healthcheck"}),
        ("healthcheck: {test: [NONE]}", {"healthcheck"}),
        ("volumes_from: [other]", {"volumes"}),
        ("stop_signal: SIGQUIT, working_dir: '${DIR:-/srv}'", {"stop_signal", "working_dir"}),
    ],
)
def test_left_to_the_image(stack: Load, written: str, declared: set[str]) -> None:
    files = f"services: {{web: {{image: app, {written}}}, other: {{image: app}}}}"
    left = {"healthcheck", "volumes", "stop_signal", "working_dir"} - declared
    assert {*stack(files).services["web"].left_to_image} == left


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False)])
def test_no_new_privileges_is_specified_either_way(stack: Load, value: str, expected: bool) -> None:
    written = f"security_opt: ['no-new-privileges:{value}']"
    web = stack(f"services: {{web: {{image: app, {written}}}}}").services["web"]
    assert web.no_new_privileges is expected
