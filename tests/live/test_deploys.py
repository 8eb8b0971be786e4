"""Real deploys of the lab: the gate after each is right, and says why."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.gather import GATHER_SECONDS
from lab import HERE, compose, deploy, engine, nginx_config, stack
from lab.address import variables
from lab.shapes import PRODUCTION
from tests.suites.command_line import ROOT, Ran, run

pytestmark = pytest.mark.live

SERVICES = ("api", "web", "nginx")
DEPLOYED = f"--services={','.join(SERVICES)}"
NO_LIMIT = "services: {api: {mem_limit: !reset null, memswap_limit: !reset null}}"
NO_CURL = "RUN rm /usr/bin/curl"  # which its health check runs
SECONDS = 120
SLACK_SECONDS = 12
"""To start, and to judge, on a busy machine."""

Gate = Callable[..., Ran]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """The gates, in the lab with a baseline; what was deployed is undone at the end."""

    def judge(name: str, *options: str) -> Ran:
        seconds = SECONDS + 60
        ran = run(tmp_path, "-m", "lab", f"--gate={name}", *options, deadline=seconds)
        print(ran.output, ran.errors)
        return ran

    stack.up()
    judge("pre", DEPLOYED)
    try:
        yield judge
    finally:
        deploy.restore()
        stack.up()


def _red(ran: Ran) -> dict[str, str]:
    return {check: line for check, (outcome, line) in ran.told("lab").items() if outcome == "FAIL"}


def test_a_good_deploy_is_go(gate: Gate) -> None:
    deploy.deploy(SERVICES, "good")
    ran = gate("post", DEPLOYED, "--wait=30", "--compose-file=lab/compose.yaml")
    assert (ran.exit_code, ran.told("lab")) == (0, {}), ran.output
    assert ran.verdict("lab")["waited"]["ended"] == "settled"


def test_a_new_image_that_is_unhealthy(gate: Gate) -> None:
    deploy.build("api", "unhealthy", NO_CURL)
    deploy.recreate("api", wait=False)
    deploy.deploy(("web", "nginx"), "unhealthy")
    ran = gate("post", DEPLOYED, "--wait=45")
    assert ran.exit_code == 1
    assert _red(ran) == {
        "containers.healthy[api]": "api health: expected healthy, observed unhealthy",
        "deploy.settled[lab]": "lab settled: expected within 45 s, observed api unhealthy",
    }
    assert ran.verdict("lab")["waited"]["ended"] == "late"


def test_a_new_image_that_crashes_is_not_waited_for(gate: Gate) -> None:
    deploy.build("api", "crashing", 'CMD ["false"]')
    deploy.recreate("api", wait=False)
    ran = gate("post", DEPLOYED, f"--wait={SECONDS}")
    assert ran.exit_code == 1
    assert _red(ran)["deploy.settled[lab]"].startswith(
        f"lab settled: expected within {SECONDS} s, observed api in a crash loop, at restart "
    )
    assert ran.verdict("lab")["waited"]["seconds"] < SECONDS / 2


def test_nginx_was_not_reloaded(gate: Gate) -> None:
    deploy.deploy(("api", "web"), "no-reload")
    red = _red(gate("post", DEPLOYED, "--wait=30"))
    assert {"deploy.reloaded[nginx]", "nginx.loaded_after[api]", "nginx.loaded_after[web]"} <= {
        *red
    }
    assert red["nginx.loaded_after[api]"].startswith(
        "api known to nginx: expected nginx to have loaded after it started at "
    )


def test_a_limit_was_lost(gate: Gate) -> None:
    deploy.build("api", "no-limit")
    deploy.recreate("api", override=NO_LIMIT)
    deploy.deploy(("web", "nginx"), "no-limit")
    red = _red(gate("post", DEPLOYED, "--wait=30"))
    assert red["resources.memory_limit[api]"] == "api memory limit: expected 2 GiB, observed none"
    assert not [check for check in red if check.startswith("deploy.")]


def test_two_instances_were_left(gate: Gate) -> None:
    deploy.deploy(("api", "web"), "two")
    deploy.scale("api", 2, deploy.NO_FIXED_NAME.format(service="api"))
    nginx_config.reload()
    ran = gate("post", DEPLOYED, "--wait=30")
    line = "api instances: expected vpn-api alone, observed stackproof-lab-api-2 too"
    assert _red(ran)["identity.instances[api]"] == line


def test_a_bystander_was_made_anew(gate: Gate) -> None:
    deploy.deploy(("api", "web"), "bystander")
    deploy.recreate("redis")
    nginx_config.reload()
    red = _red(gate("post", DEPLOYED, "--wait=30"))
    assert red.keys() == {"deploy.untouched[redis]"}
    assert red["deploy.untouched[redis]"].startswith(
        "redis not deployed: expected untouched, observed made anew, started at "
    )


def test_the_new_image_was_never_used(gate: Gate) -> None:
    deploy.build("api", "unused")
    deploy.deploy(("web", "nginx"), "unused")
    red = _red(gate("post", DEPLOYED, "--wait=30"))
    assert red.keys() == {"deploy.recreated[api]", "identity.stale[api]"}
    assert red["deploy.recreated[api]"].startswith(
        "api container: expected one that the deploy made, observed the one of before, "
    )


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_engine_stops_answering_in_the_middle(gate: Gate, tmp_path: Path) -> None:
    if not engine.PIDFILE.exists():
        pytest.skip("the engine is not one that the lab started")
    wait, pid = 20, int(engine.PIDFILE.read_text())
    deploy.build("api", "unhealthy", NO_CURL)
    deploy.recreate("api", wait=False)
    command = [sys.executable, "-m", "pytest", "-m", "lab", f"--output={tmp_path}", "--gate=post"]
    with subprocess.Popen(
        [*command, DEPLOYED, f"--wait={wait}"], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr
        assert select.select([process.stderr], [], [], wait)[0]
        assert process.stderr.readline().startswith("waiting for api (starting): ")
        with _stopped(pid):
            assert process.wait(timeout=wait + GATHER_SECONDS + SLACK_SECONDS) == 6
    verdict = Ran(6, "", "", tmp_path, replayed=False).verdict("lab")
    assert verdict["waited"]["ended"] == "blind"
    assert verdict["counts"]["FAIL"] == 0


def test_a_rollback(gate: Gate) -> None:
    deploy.deploy(SERVICES, "to-be-undone")
    undone = gate("rollback", "--wait=30")
    assert {"rollback.image[api]", "rollback.image[web]"} == _red(undone).keys()
    deploy.restore()
    compose.compose(PRODUCTION, "down", "--timeout=1")
    compose.compose(PRODUCTION, "up", "--detach", variables=variables(PRODUCTION))
    ran = gate("rollback", "--wait=60")
    assert (ran.exit_code, ran.told("lab")) == (0, {}), ran.output
    assert ran.verdict("lab")["waited"]["waited_for"]


def _lab_that_scales(folder: Path) -> Path:
    """The lab's environment file, with the override that drops the fixed names."""
    folder.mkdir()
    for name in ("prod", "lab"):
        text = (ROOT / "environments" / f"{name}.yaml").read_text()
        (folder / f"{name}.yaml").write_text(text.replace("../lab/out", str(ROOT / "lab" / "out")))
    override = deploy.OVERRIDE.relative_to(HERE.parent)
    with (folder / "lab.yaml").open("a") as file:
        file.write(f"compose_overrides: [{override}]\n")
    return folder


def test_a_blue_green_deploy(gate: Gate, tmp_path: Path) -> None:
    """Its containers have no fixed names then, and are found by their labels."""
    environments = f"--environments={_lab_that_scales(tmp_path / 'environments')}"
    deploy.blue_green("api", "green")
    deployed = "--services=api,nginx"
    without = gate("post", environments, deployed, "--wait=30")
    assert without.exit_code == 6, "the baseline is of another deploy"
    gate("pre", environments, deployed)
    deploy.blue_green("api", "greener")
    ran = gate("post", environments, deployed, "--wait=30")
    assert (ran.exit_code, ran.told("lab")) == (0, {}), ran.output


def test_twenty_deploys_in_a_row(gate: Gate) -> None:
    """Each second one leaves the reload out: every verdict is right."""
    for number in range(20):
        gate("pre", DEPLOYED)
        reloaded = number % 2 == 0
        deploy.deploy(SERVICES if reloaded else ("api", "web"), f"row-{number}")
        ran = gate("post", DEPLOYED, "--wait=30")
        assert ran.exit_code == (0 if reloaded else 1), ran.output
        nginx_config.reload()
