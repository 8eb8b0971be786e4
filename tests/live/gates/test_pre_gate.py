"""The pre gate with the lab and its real compose file: each change is reported."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import address
from lab.shapes import PRODUCTION, Shape, ShapeName
from stackproof.deploy import baseline
from tests.command_line import Ran, run
from tests.live.gates.pre_gate import GOOD, Deploy, results
from tests.live.gates.registry import registry

pytestmark = pytest.mark.live

OVERRIDE = "services:\n" + "".join(
    f"  {name}: {{container_name: !reset null}}\n" for name in ("api", "web")
)


@pytest.fixture
def deploy(tmp_path: Path, bring_up: Callable[[ShapeName], Shape]) -> Deploy:
    bring_up("prod")
    return Deploy(tmp_path)


def test_a_good_deploy_is_go_and_leaves_a_baseline(
    tmp_path: Path, bring_up: Callable[[ShapeName], Shape]
) -> None:
    bring_up("prod")
    # As an operator starts it: with the compose file that the environment names.
    ran = run(tmp_path / "out", "-m", "lab", "--gate=pre", f"--services={GOOD}",
              variables=address.variables(PRODUCTION))  # fmt: skip
    assert (ran.exit_code, results(ran)) == (0, {}), ran.output
    written = baseline.read(ran.written / "lab" / "baseline.json")
    assert written.services == ("api", "web", "nginx")
    assert written.containers.keys() == set(PRODUCTION.services)
    assert {len(each) for each in written.containers.values()} == {1}
    assert all(each[0].config_hash for each in written.containers.values())
    # A webhook is not called again and again, and streams have no end to wait for.
    unmeasured = {name for name, each in written.latencies.items() if not each}
    assert unmeasured == {"n8n-webhook", "n8n-events", "n8n-push"}
    assert all(len(each) >= 3 for name, each in written.latencies.items() if name not in unmeasured)
    assert written.nginx_loaded_at
    assert len(written.outcomes) == len(ran.verdict("lab")["checks"])
    assert set(written.outcomes.values()) == {"PASS"}


def test_what_is_red_before_the_deploy_is_no_go_and_in_the_baseline(deploy: Deploy) -> None:
    deploy.change("environment", "redis|restart: unless-stopped", "restart: always")
    ran = deploy.judge()
    assert ran.exit_code == 1
    written = baseline.read(ran.written / "lab" / "baseline.json")
    assert written.outcomes["containers.restart_policy[redis]"] == "FAIL"
    assert written.outcomes["containers.restart_policy[api]"] == "PASS"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (
            "api,web",
            {"predeploy.proxy_last[nginx]": "FAIL nginx in the deploy: expected last, "
             "because it routes to api, web, observed not in it"},
        ),
        (
            "api,nginx,web",
            {"predeploy.proxy_last[nginx]": "FAIL nginx in the deploy: expected last, "
             "because it routes to api, web, observed before web"},
        ),
        (
            "web,api,nginx",
            {"predeploy.order[lab]": "FAIL lab deploy order: expected api, web, "
             "observed web, api"},
        ),
        (
            "api,database-manager,nginx",
            {
                "predeploy.services[lab]": "FAIL lab services to deploy: expected declared ones, "
                "observed database-manager (the nearest is ollama)",
                "compose_file.services[lab]": "FAIL lab services of the compose file: expected "
                "all that are declared or deployed, observed no database-manager",
            },
        ),
    ],
)  # fmt: skip
def test_a_list_that_is_wrong(deploy: Deploy, services: str, expected: dict[str, str]) -> None:
    ran = deploy.judge(services)
    assert (ran.exit_code, results(ran)) == (1, expected), ran.output


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            [("redis|    mem_limit: 512m\n", ""), ("redis|    memswap_limit: 512m\n", "")],
            {"compose_file.memory_limit[redis]": "FAIL redis memory limit in the compose file: "
             "expected 512 MiB, observed none"},
        ),
        (
            [("redis|    volumes:", '    ports: ["6379:6379"]\n    volumes:')],
            {"compose_file.published[redis]": "FAIL redis published ports in the compose file: "
             "expected none, observed 6379"},
        ),
        (
            [("web|    healthcheck:\n", "    healthcheck:\n      disable: true\n")],
            {"compose_file.health_check[web]": "FAIL web health check in the compose file: "
             "expected one, observed switched off"},
        ),
        (
            [("api|secrets: [postgres_password]", "environment: [POSTGRES_PASSWORD=hunter2]")],
            {"compose_file.secrets[api]": "FAIL api secrets in the compose file: "
             "expected postgres_password, observed no /run/secrets/postgres_password"},
        ),
        (
            [("./out/secrets/postgres_password", "./out/secrets/nowhere")],
            {"predeploy.secrets[lab]": "FAIL lab files of the secrets: expected on the engine's "
             "machine, observed no file of postgres_password"},
        ),
        (
            [("172.20.0.0/16", "172.21.0.0/16")],
            {f"compose_file.subnet[{name}]": f"FAIL {name} subnet in the compose file: "
             "expected 172.20.0.0/16, observed 172.21.0.0/16" for name in PRODUCTION.services},
        ),
        (
            [("api|stackproof-lab/api:1", "stackproof-lab/api:2")],
            {
                "compose_file.image[api]": "FAIL api image in the compose file: "
                "expected stackproof-lab/api:1, observed stackproof-lab/api:2",
                "predeploy.image[api]": "FAIL api new image: expected stackproof-lab/api:2 at the "
                "engine or its registry, observed the engine does not have it, and pull_policy "
                "is never",
            },
        ),
    ],
    ids=["limit", "port", "health check", "secret", "secret file", "network", "image"],
)  # fmt: skip
def test_a_compose_file_that_is_wrong(
    deploy: Deploy, changes: list[tuple[str, str]], expected: dict[str, str]
) -> None:
    for old, new in changes:
        deploy.change("compose", old, new)
    ran = deploy.judge()
    assert (ran.exit_code, results(ran)) == (1, expected), ran.output
    assert "hunter2" not in "".join(
        file.read_text(encoding="utf-8") for file in ran.written.rglob("*.json")
    )


def test_a_variable_that_is_unset(deploy: Deploy) -> None:
    """Without a file of variables here, it may be set where the deploy runs."""
    deploy.change("compose", "api|stackproof-lab/api:1", "stackproof-lab/api:${RELEASE}")
    ran = deploy.judge()
    unknown = {
        "compose_file.variables[lab]", "compose_file.image[api]", "predeploy.image[api]",
        "predeploy.disk[host]",
    }  # fmt: skip
    assert (ran.exit_code, set(results(ran))) == (6, unknown), ran.output
    variables = deploy.folder / "deploy.env"
    variables.write_text("OTHER=1", encoding="utf-8")
    ran = deploy.judge(GOOD, f"--compose-env-file={variables}")
    assert ran.exit_code == 1
    assert results(ran)["compose_file.variables[lab]"] == (
        "FAIL lab variables of the compose file: expected set, observed RELEASE unset"
    )


def test_a_compose_file_that_is_not_valid(deploy: Deploy) -> None:
    deploy.change("compose", "redis|    cpus: 1.0", "    cpus: plenty")
    ran = deploy.judge()
    said = results(ran)["compose_file.valid[lab]"]
    assert ran.exit_code == 1
    assert re.match(r"FAIL lab compose file: expected valid, observed .*cpus", said), said


def test_a_fixed_name_of_what_is_scaled(deploy: Deploy) -> None:
    deploy.change("environment", "scaled: []", "scaled: [api, web, python-api]")
    ran = deploy.judge()
    assert (ran.exit_code, results(ran)) == (
        1,
        {
            f"predeploy.container_name[{name}]": f"FAIL {name} container_name in the compose "
            f"file: expected none, because it is scaled to two instances, observed vpn-{name}"
            for name in ("api", "web")
        },
    )
    deploy.overrides = (OVERRIDE,)
    ran = deploy.judge()
    assert (ran.exit_code, results(ran)) == (0, {}), ran.output


def test_limits_that_the_machine_does_not_have(deploy: Deploy) -> None:
    deploy.change("environment", "overcommit: true", "overcommit: false")
    deploy.change("environment", "services:\n", "services:\n  pgadmin: {limits: {cpus: 4096}}\n")
    deploy.change("environment", "  pgadmin: {image", "  # pgadmin: {image")
    ran = deploy.judge()
    assert ran.exit_code == 1
    assert re.match(
        r"FAIL host limits together: expected at most the machine's \d+ CPUs and .*, "
        r"observed 4115 CPUs and 24 GiB",
        results(ran)["predeploy.limits_together[host]"],
    )


def test_a_variable_that_is_required(deploy: Deploy) -> None:
    deploy.change("environment", "required_variables: []", "required_variables: [RELEASE, NOTES]")
    deploy.variables["NOTES"] = "what is new"
    ran = deploy.judge()
    assert (ran.exit_code, results(ran)) == (
        1,
        {
            "predeploy.variables[lab]": "FAIL lab variables of the deploy: "
            "expected RELEASE, NOTES set, observed RELEASE unset"
        },
    )
    deploy.variables["RELEASE"] = "2"
    assert deploy.judge().exit_code == 0


def of_image(deploy: Deploy, image: str) -> Ran:
    """Deploy another image of the api, which may be pulled; the environment declares none."""
    deploy.change("environment", 'image: "stackproof-lab/api:1", ', "")
    deploy.change("compose", "api|image: stackproof-lab/api:1",
                  f"image: {image}\n    pull_policy: missing")  # fmt: skip
    return deploy.judge()


def test_an_image_that_the_registry_has(deploy: Deploy) -> None:
    with registry() as name:
        ran = of_image(deploy, f"{name}/there:1")
    assert (ran.exit_code, results(ran)) == (0, {}), ran.output


def test_an_image_that_is_nowhere(deploy: Deploy) -> None:
    with registry() as name:
        image = f"{name}/nowhere:1"
        ran = of_image(deploy, image)
    assert (ran.exit_code, results(ran)) == (
        1,
        {
            "predeploy.image[api]": f"FAIL api new image: expected {image} at the engine or its "
            "registry, observed manifest unknown"
        },
    )


def test_a_registry_that_cannot_be_reached(deploy: Deploy) -> None:
    ran = of_image(deploy, "localhost:1/api:2")
    assert ran.exit_code == 6, ran.output
    outcomes: dict[str, Any] = results(ran)
    assert outcomes.keys() == {"predeploy.image[api]", "predeploy.disk[host]"}
    assert all(
        said.startswith(
            "UNKNOWN could not be evaluated: localhost:1/api:2 at its registry: engine "
        )
        and said.endswith("connection refused")
        for said in outcomes.values()
    )


def test_no_engine(deploy: Deploy) -> None:
    deploy.variables["DOCKER_HOST"] = f"unix://{deploy.folder}/none.sock"
    ran = deploy.judge()
    assert ran.exit_code == 6, ran.output
    outcomes = results(ran)
    assert not {said for said in outcomes.values() if not said.startswith("UNKNOWN")}
    assert "compose_file.memory_limit[redis]" not in outcomes, "the file needs no engine"
    assert "predeploy.image[api]" in outcomes
