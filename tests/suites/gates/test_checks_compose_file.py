"""The checks of the compose file fail where it differs from the environment file."""

from pathlib import Path

import pytest

from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.unobserved import Unobserved
from tests.suites.gates.predeploys import ABSENT, FILE, IMAGE, SHOP, facts, file, judged, results


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (
            file(api={"memory": None, "cpus": 2.0}),
            {
                "compose_file.memory_limit[api]": "FAIL api memory limit in the compose file: "
                "expected 512 MiB, observed none",
                "compose_file.cpu_limit[api]": "FAIL api CPU limit in the compose file: "
                "expected 1.5, observed 2",
            },
        ),
        (
            file(redis={"published": ("127.0.0.1:6379",)}),
            {"compose_file.published[redis]": "FAIL redis published ports in the compose file: "
             "expected none, observed 127.0.0.1:6379"},
        ),
        (
            file(nginx={"published": ()}),
            {"compose_file.published[nginx]": "FAIL nginx published ports in the compose file: "
             "expected 443, observed none"},
        ),
        (
            file(api={"image": "shop/api", "restart": "no", "secrets": ()}),
            {
                "compose_file.image[api]": "FAIL api image in the compose file: "
                "expected shop/api:2, observed shop/api",
                "compose_file.restart_policy[api]": "FAIL api restart policy in the compose "
                "file: expected always, observed no",
                "compose_file.secrets[api]": "FAIL api secrets in the compose file: "
                "expected db, observed no /run/secrets/db",
            },
        ),
        (
            file(web={"log_driver": "syslog", "log_max_size": None}),
            {
                "compose_file.log_driver[web]": "FAIL web log driver in the compose file: "
                "expected json-file, observed syslog",
                "compose_file.log_rotation[web]": "FAIL web log max-size in the compose file: "
                "expected 10 MiB, observed none",
            },
        ),
        (
            # The default of the engine applies.
            file(web={"log_driver": "", "log_max_size": None}),
            {
                "compose_file.log_rotation[web]": "FAIL web log max-size in the compose file: "
                "expected 10 MiB, observed none",
            },
        ),
        (
            file(web={"networks": (), "network_mode": "host"}),
            {"compose_file.subnet[web]": "FAIL web subnet in the compose file: "
             "expected 172.20.0.0/16, observed host"},
        ),
        (
            FILE.model_copy(update={"subnets": {"shop_default": ("10.0.0.0/8", "fd00::/64")}}),
            {
                f"compose_file.subnet[{name}]": f"FAIL {name} subnet in the compose file: "
                "expected 172.20.0.0/16, observed 10.0.0.0/8"
                for name in SHOP["services"]
            },
        ),
        (
            FILE.model_copy(update={"subnets": {"shop_default": ()}}),
            {
                f"compose_file.subnet[{name}]": f"FAIL {name} subnet in the compose file: "
                "expected 172.20.0.0/16, observed none"
                for name in SHOP["services"]
            },
        ),
        # The engine has the network that the file does not make.
        (FILE.model_copy(update={"subnets": {}}), {}),
        (
            file(api={"health_check": False}),
            {"compose_file.health_check[api]": "FAIL api health check in the compose file: "
             "expected one, observed switched off"},
        ),
        (file(api={"health_check": None}), {}),
        (
            file(api={"container_name": "shop-api"}, web={"container_name": "shop-web"}),
            {"predeploy.container_name[api]": "FAIL api container_name in the compose file: "
             "expected none, because it is scaled to two instances, observed shop-api"},
        ),
        (
            FILE.model_copy(update={"unset": ("REGISTRY", "TAG")}),
            {"compose_file.variables[shop]": "FAIL shop variables of the compose file: "
             "expected set, observed REGISTRY, TAG unset"},
        ),
    ],
)  # fmt: skip
def test_the_compose_file(tmp_path: Path, read: ComposeFile, expected: dict[str, str]) -> None:
    assert results(judged(tmp_path, facts(compose_file=read))) == expected


def test_a_compose_file_that_is_not_valid(tmp_path: Path) -> None:
    said = "services.api.cpus must be a number"
    invalid = ComposeFile(path="/opt/shop/compose.yaml", problem=said)
    ran = judged(tmp_path, facts(compose_file=invalid))
    outcomes = results(ran)
    assert ran.exit_code == 1
    assert (
        outcomes.pop("compose_file.valid[shop]")
        == f"FAIL shop compose file: expected valid, observed {said}"
    )
    assert set(outcomes.values()) == {
        "UNKNOWN could not be evaluated: the compose file is not valid"
    }


def test_no_compose_to_read_it(tmp_path: Path) -> None:
    ran = judged(tmp_path, facts(compose_file=Unobserved(reason="there is no Compose v2 here")))
    assert ran.exit_code == 6
    assert set(results(ran).values()) == {
        "UNKNOWN could not be evaluated: there is no Compose v2 here"
    }
    assert "predeploy.order[shop]" not in results(ran)


def test_a_health_check_that_is_up_to_an_image_that_is_not_here(tmp_path: Path) -> None:
    seen = facts(compose_file=file(api={"health_check": None}), new_images={
        **dict.fromkeys(SHOP["services"], IMAGE), "api": ABSENT
    })  # fmt: skip
    assert results(judged(tmp_path, seen)) == {
        "compose_file.health_check[api]": "UNKNOWN could not be evaluated: "
        "the health check is up to shop/api:2, which could not be read"
    }


def test_networks_of_a_service_are_evidence(tmp_path: Path) -> None:
    read = file(web={"networks": ("other", "proxy")})
    ran = judged(tmp_path, facts(compose_file=read, networks={"other": ("10.0.0.0/8",)}))
    (check,) = (c for c in ran.verdict("shop")["checks"] if c["id"] == "compose_file.subnet[web]")
    assert check["observed"] == "10.0.0.0/8"
    assert check["evidence"] == {"networks": "other, proxy"}


def test_a_service_that_the_environment_does_not_declare(tmp_path: Path) -> None:
    """Nothing verifies it: that is said, and no reason not to deploy."""
    services = {**FILE.services, "worker": ComposeService(image="shop/worker:1")}
    ran = judged(tmp_path, facts(compose_file=FILE.model_copy(update={"services": services})))
    checks = {each["id"]: each for each in ran.verdict("shop")["checks"]}
    assert (ran.exit_code, checks["compose_file.services[shop]"]["warnings"]) == (
        0,
        ["shop services of the compose file: expected all declared, observed not verified: worker"],
    )
