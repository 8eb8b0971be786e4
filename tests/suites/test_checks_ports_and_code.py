"""The checks of published ports and of mounted code fail where they should."""

import pytest

from stackproof.facts.container import Mount
from tests.command_line import Ran
from tests.shop import (
    container,
    created,
)
from tests.suites import service_cases
from tests.suites.expectations import fail, failures_of
from tests.suites.service_cases import Case, only

PUBLISHED = {"ports": [5000], "publish": [5000]}
CODE = Mount(kind="bind", source="/home/dev/shop/api", target="/app")
CONFIGURATION = Mount(kind="bind", source="/home/dev/shop/api.conf", target="/etc/api.conf")
KEPT = Mount(kind="volume", source="/var/lib/docker/volumes/modules", target="/app/node_modules")

SERVICES: dict[str, Case] = {
    # published
    "public": Case(
        {},
        container=container(published={"443": 443}),
        declared=only(publish=["443"]),
    ),
    "more-public": Case(
        fail(
            network__published="more-public published ports: expected 443, "
            "observed 127.0.0.1:5432, 443"
        ),
        container=container(published={"127.0.0.1:5432": 5432, "443": 443}),
        declared=only(publish=["443"]),
    ),
    "less-public": Case(
        fail(network__published="less-public published ports: expected 443, observed none"),
        declared=only(publish=["443"]),
    ),
    "elsewhere-public": Case(
        fail(
            network__published="elsewhere-public published ports: expected 443, "
            "observed 127.0.0.1:443"
        ),
        container=container(published={"127.0.0.1:443": 443}),
        declared=only(publish=["443"]),
    ),
    # forwarded
    "leads-on": Case({}, container=container(published={"5000": 5000}), declared=PUBLISHED),
    "leads-nowhere": Case(
        fail(
            network__forwarded="leads-nowhere published ports: "
            "expected to lead to 5000, observed 5000 to 5001"
        ),
        container=container(published={"5000": 5001}),
        declared=PUBLISHED,
    ),
    # code_mounted
    "live": Case(
        {},
        container=container(creation=created(mounts=(CONFIGURATION, CODE))),
        declared={"code": "live"},
    ),
    "not-live": Case(
        fail(
            configuration__code_mounted="not-live code: "
            "expected mounted from the host, observed from its image"
        ),
        container=container(creation=created(mounts=(CONFIGURATION, KEPT))),
        declared={"code": "live"},
    ),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return service_cases.replay(tmp_path_factory.mktemp("services"), SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_service(ran: Ran, name: str) -> None:
    assert failures_of(ran, name) == SERVICES[name].results
