"""A route's first line says why nginx has no response of the upstream, where it is known."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.proxy import UpstreamError
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import answered

URL = "http://shop.example/api"
ENVIRONMENT = {
    "services": {"proxy": {}, "api": {}},
    "nginx": {"service": "proxy"},
    "routes": {"api": {"url": URL, "service": "api"}},
}
REFUSED = UpstreamError(
    message="connect() failed (111: Connection refused) while connecting to upstream",
    upstream="172.18.0.5:5000",
)


def _line(folder: Path, errors: dict[str, Any], environment: dict[str, Any] = ENVIRONMENT) -> str:
    observed = shop.facts(responses={"api": answered((URL, 502))}, upstream_errors=errors)
    ran = shop.replay(folder, environment, observed, "-m", "shop and routes")
    (line,) = (line for _, line in ran.results("shop").values())
    return line


def test_why(tmp_path: Path) -> None:
    assert _line(tmp_path, {"proxy": {"api": REFUSED}}) == (
        "api status: expected 200, observed 502: connect() failed (111: Connection refused) while "
        "connecting to upstream 172.18.0.5:5000"
    )


@pytest.mark.parametrize(
    "errors",
    [{}, {"proxy": {}}, {"proxy": {"web": REFUSED}}, {"proxy": Unobserved(reason="no log")}],
    ids=["not gathered", "nothing", "another route", "unreadable"],
)
def test_unknown(errors: dict[str, Any], tmp_path: Path) -> None:
    assert _line(tmp_path, errors) == "api status: expected 200, observed 502"


def test_without_nginx(tmp_path: Path) -> None:
    environment = {name: ENVIRONMENT[name] for name in ("services", "routes")}
    line = _line(tmp_path, {"proxy": {"api": REFUSED}}, environment)
    assert line == "api status: expected 200, observed 502"
