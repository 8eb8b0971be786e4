"""A route that declares `instance` is answered by a running container of its service."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import shop
from tests.shop import answered, container

ID = "a1" * 32
API = container(id=ID, name="shop-api", hostname="api-host")
URL = "https://shop.example/api"


def _result(folder: Path, instance: str, headers: Any = None, **changes: Any) -> tuple[str, str]:
    environment = {
        "services": {"api": {"container": "shop-api"}, "web": {"container": "shop-web"}},
        "routes": {"api": {"url": URL, "service": "api", "instance": {"field": "instance"}}},
    }
    body = json.dumps({"instance": instance} if instance else {})
    found = API.model_copy(update=changes)
    observed = shop.facts(
        containers={"api": found, "web": container(id="b2" * 32, name="shop-web")},
        responses={"api": answered((URL, 200), body=body, headers=headers or {})},
    )
    listed = {
        each.name: observed.listed[service].model_copy(update={"service": service})
        for service, each in observed.containers.items()
    }
    observed = observed.model_copy(update={"listed": listed})
    results = shop.replay(folder, environment, observed, "-k", "test_instance").results("shop")
    return results.get("routes.instance[api]", ("PASS", ""))


@pytest.mark.parametrize("instance", [ID, ID[:12], "shop-api", "api-host"])
@pytest.mark.parametrize("headers", [{}, {"Age": "0", "X-Cache": "MISS"}])
def test_its_container(instance: str, headers: dict[str, str], tmp_path: Path) -> None:
    assert _result(tmp_path, instance, headers) == ("PASS", "")


@pytest.mark.parametrize(
    ("instance", "headers", "changes", "observed"),
    [
        ("5e" * 6, {}, {}, "5e5e5e5e5e5e, which no container has as its id"),
        ("5e" * 32, {}, {}, "5e5e5e5e5e5e, which no container has as its id"),
        ("b2" * 6, {}, {}, "shop-web, which belongs to web"),
        (ID[:12], {}, {"status": "exited"}, "shop-api, which is exited"),
        (ID[:12], {"age": "300"}, {}, "a cache (Age: 300)"),
        (ID[:12], {"X-Cache-Status": "STALE"}, {}, "a cache (X-Cache-Status: STALE)"),
        ("", {"X-Cache": "HIT from edge"}, {}, "a cache (X-Cache: HIT from edge)"),
        (
            "5e" * 6, {"Age": "9"}, {},
            "5e5e5e5e5e5e, which no container has as its id and a cache (Age: 9)",
        ),
    ],
)  # fmt: skip
def test_another_sender(
    instance: str, headers: Any, changes: Any, observed: str, tmp_path: Path
) -> None:
    line = f"api instance: expected a running container of api, observed {observed}"
    assert _result(tmp_path, instance, headers, **changes) == ("FAIL", line)


@pytest.mark.parametrize(
    ("instance", "reason"),
    [
        ("worker 7", "the response names 'worker 7', which is not the id, name or host name of a"),
        ("", "the response does not name its instance"),
    ],
)
def test_unknown_sender(instance: str, reason: str, tmp_path: Path) -> None:
    outcome, line = _result(tmp_path, instance)
    assert (outcome, reason in line) == ("UNKNOWN", True)
