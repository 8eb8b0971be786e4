"""Real deploys of the lab: the gate after each is right, and says why."""

from pathlib import Path

import pytest

from lab import HERE, deploy, nginx_config
from lab.address import variables
from lab.engine import compose
from lab.shapes import PRODUCTION
from tests.command_line import Ran
from tests.live.conftest import DEPLOYED, SERVICES, Gate, another_lab

pytestmark = pytest.mark.live

NO_LIMIT = "services: {api: {mem_limit: !reset null, memswap_limit: !reset null}}"
NO_CURL = "RUN rm /usr/bin/curl"  # which its health check runs
SECONDS = 120


def _red(ran: Ran) -> dict[str, str]:
    return {
        check: line for check, (outcome, line) in ran.results("lab").items() if outcome == "FAIL"
    }


def test_a_good_deploy_is_go(gate: Gate) -> None:
    deploy.deploy(SERVICES, "good")
    ran = gate("post", DEPLOYED, "--wait=30", "--compose-file=lab/compose.yaml")
    assert (ran.exit_code, ran.results("lab")) == (0, {}), ran.output
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
    line = "api instances: expected vpn-api alone, observed also stackproof-lab-api-2"
    assert _red(ran)["identity.instances[api]"] == line


def test_an_untouched_service_was_recreated(gate: Gate) -> None:
    deploy.deploy(("api", "web"), "untouched_service")
    deploy.recreate("redis")
    nginx_config.reload()
    red = _red(gate("post", DEPLOYED, "--wait=30"))
    assert red.keys() == {"deploy.untouched[redis]"}
    assert red["deploy.untouched[redis]"].startswith(
        "redis not deployed: expected untouched, observed recreated, started at "
    )


def test_the_new_image_was_never_used(gate: Gate) -> None:
    deploy.build("api", "unused")
    deploy.deploy(("web", "nginx"), "unused")
    red = _red(gate("post", DEPLOYED, "--wait=30"))
    assert red.keys() == {"deploy.recreated[api]", "identity.stale[api]"}
    assert red["deploy.recreated[api]"].startswith(
        "api container: expected one created by the deploy, observed the previous one, "
    )


def test_the_new_image_was_never_pulled(gate: Gate, tmp_path: Path) -> None:
    """The containers are recreated from the previous image."""
    more = ("deploy:\n", "deploy:\n  new_images: true\n")
    environments = another_lab(tmp_path / "environments", more)
    deploy.recreate("api")
    deploy.deploy(("web", "nginx"), "not-pulled")
    red = _red(gate("post", environments, DEPLOYED, "--wait=30"))
    assert red.keys() == {"deploy.new_image[api]"}
    assert red["deploy.new_image[api]"].startswith(
        "api image: expected a different one than before the deploy, observed the same, sha256:"
    )


def test_a_rollback(gate: Gate) -> None:
    deploy.deploy(SERVICES, "to-be-undone")
    undone = gate("rollback", "--wait=30")
    assert {"rollback.image[api]", "rollback.image[web]"} == _red(undone).keys()
    deploy.restore()
    compose.compose(PRODUCTION, "down", "--timeout=1")
    compose.compose(PRODUCTION, "up", "--detach", variables=variables(PRODUCTION))
    ran = gate("rollback", "--wait=60")
    assert (ran.exit_code, ran.results("lab")) == (0, {}), ran.output
    assert ran.verdict("lab")["waited"]["waited_for"]


def test_a_blue_green_deploy(gate: Gate, tmp_path: Path) -> None:
    """Its containers have no fixed names then, and are found by their labels."""
    override = f"compose_overrides: [{deploy.OVERRIDE.relative_to(HERE.parent)}]\n"
    environments = another_lab(tmp_path / "environments", more=override)
    deploy.blue_green("api", "green")
    deployed = "--services=api,nginx"
    without = gate("post", environments, deployed, "--wait=30")
    assert without.exit_code == 6, "the baseline is of another deploy"
    gate("pre", environments, deployed)
    deploy.blue_green("api", "greener")
    ran = gate("post", environments, deployed, "--wait=30")
    assert (ran.exit_code, ran.results("lab")) == (0, {}), ran.output


def test_twenty_deploys_in_a_row(gate: Gate) -> None:
    """Each second one leaves the reload out: every verdict is right."""
    for number in range(20):
        assert gate("pre", DEPLOYED).exit_code == 0
        reloaded = number % 2 == 0
        deploy.deploy(SERVICES if reloaded else ("api", "web"), f"row-{number}")
        ran = gate("post", DEPLOYED, "--wait=30")
        assert ran.exit_code == (0 if reloaded else 1), ran.output
        red = {check for check in _red(ran) if check.startswith("deploy.")}
        assert red == (set() if reloaded else {"deploy.reloaded[nginx]"})
        nginx_config.reload()
