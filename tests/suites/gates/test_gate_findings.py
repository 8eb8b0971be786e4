"""Every check of a gate reports the headline, the evidence and the hint that are expected.

`gate_findings.yaml` is written by hand. No script writes it again: a test fails for a hint or a
piece of evidence that gets lost.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackproof.facts.compose_file import ComposeFile, ComposeService
from stackproof.facts.image import NewImage
from stackproof.facts.machine import Capacity
from stackproof.facts.settling import Settling
from stackproof.sizes import Bytes
from tests.command_line import Ran
from tests.hints import recorded
from tests.shop import AT, GIB, MIB, container, created
from tests.suites.form.test_markers import GATES
from tests.suites.gates import deploys, predeploys

EXPECTED: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("gate_findings.yaml").read_text(encoding="utf-8")
)
SUITES = {suite.partition(".")[0] for suite in GATES}
LATE = Settling(
    ended="hopeless", seconds=7.5, limit_s=120, looks=8, waited_for={"api: starting": 6.5},
    pending={"api": "unhealthy"}, blind="",
)  # fmt: skip
MINUTE = timedelta(minutes=1)


def _deploy(folder: Path) -> Ran:
    old = container(name="api", id="old-api", started_at=deploys.EARLIER)
    web = deploys.after(
        "web",
        restart_count=2,
        log_tail=("Traceback", "KeyError: 'id'"),
        creation=created(image_id="sha256:0017"),
    )
    observed = deploys.facts(
        {"api": old, "web": web, "db": deploys.after("db")},
        loaded=deploys.EARLIER,
        settling=LATE,
        image_ids=("sha256:0017", "sha256:5409"),
    )
    return deploys.judge(
        folder, observed, environment=deploys.deploy(new_images=True, clean_images=True)
    )


def _order(folder: Path) -> Ran:
    web = deploys.after("web", created_at=AT - MINUTE, started_at=AT - MINUTE)
    named = ComposeFile(
        path="compose.yaml", services={"api": ComposeService(image="shop:2"),
                                       "web": ComposeService(), "proxy": ComposeService()},
    )  # fmt: skip
    observed = deploys.facts({"web": web}, compose_file=named, latencies={"home": (20.0,) * 8})
    return deploys.judge(folder, observed, options=("--compose-file=compose.yaml",))


def _rollback(folder: Path) -> Ran:
    rolled_back = {
        name: deploys.after(name, creation=created(image_id="sha256:0017", config_hash="5eed"))
        for name in deploys.CONTAINERS
    }
    changed = {
        "api": deploys.after("api", creation=created(config_hash="5eed")),
        "web": deploys.after("web", creation=created(image_id="sha256:0017", config_hash="0dd")),
    }
    observed = deploys.facts({**rolled_back, **changed})
    return deploys.judge(folder, observed, gate="rollback")


def _before(folder: Path) -> Ran:
    wrong = predeploys.file(
        api={
            "image": "shop/api", "cpus": 2.0, "memory": None, "health_check": False,
            "restart": "no", "secrets": (), "log_driver": "syslog", "log_max_size": None,
            "published": ("80",), "container_name": "shop-api", "networks": (),
            "network_mode": "host",
        },
    )  # fmt: skip
    refused = NewImage(
        name="shop/api:2", present=False, has_health_check=None, replaced_size=Bytes(8 * GIB),
        refused="manifest unknown",
    )  # fmt: skip
    unsized = refused.model_copy(update={"replaced_size": None, "refused": ""})
    observed = predeploys.facts(
        compose_file=wrong.model_copy(update={"unset": ("TAG",)}),
        new_images=predeploys.images(api=refused, web=unsized),
        host=predeploys.host(
            disk=Capacity(total=100 * GIB, free=8 * GIB, where="/data"),
            memory=Capacity(total=8 * GIB, free=511 * MIB),
        ),
        unset_variables=("KEY",),
        missing_secrets=("db",),
    )
    limits = {"cpus": 9, "memory": "9G"}
    environment = {
        **predeploys.SHOP,
        "services": {**predeploys.SHOP["services"], "redis": {"limits": limits}},
        "deploy": {**predeploys.SHOP["deploy"], "required_variables": ["HOST", "KEY"]},
    }
    return predeploys.judged(folder, observed, "web,api,nginx,apy", environment)


def _invalid(folder: Path) -> Ran:
    invalid = ComposeFile(path="/opt/shop/compose.yaml", problem="services must be a mapping")
    return predeploys.judged(folder, predeploys.facts(compose_file=invalid))


SCENARIOS: Mapping[str, Callable[[Path], Ran]] = {
    "deploy": _deploy, "order": _order, "rollback": _rollback, "before": _before,
    "invalid": _invalid,
}  # fmt: skip


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    @cache
    def found(scenario: str) -> dict[str, Any]:
        ran = SCENARIOS[scenario](tmp_path_factory.mktemp(scenario))
        return {
            check["id"]: {
                **{name: check[name] for name in ("headline", "evidence", "warnings")},
                "hints": recorded(check["hints"]),
            }
            for check in ran.verdict("shop")["checks"]
            if check["suite"] in SUITES and (check["outcome"] == "FAIL" or check["warnings"])
        }

    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_findings(scenario: str, findings: Callable[[str], dict[str, Any]]) -> None:
    assert findings(scenario) == EXPECTED[scenario]
