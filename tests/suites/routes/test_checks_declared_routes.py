"""Routes with a login, a WebSocket, or a request that must not be sent twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.response import Response
from tests import shop
from tests.hints import Recorded, recorded
from tests.shop import answered

APP = "https://app.example/"
LOGIN = "https://auth.example/login"
NONCE = "?rd=https%3A%2F%2Fapp.example%2F&nonce=6f0e1b7c2a"


def _results(folder: Path, response: Response, **route: Any) -> dict[str, str]:
    environment = {
        "services": {"app": {}},
        "routes": {"app": {"url": APP, "service": "app", **route}},
    }
    observed = shop.facts(responses={"app": response})
    ran = shop.replay(folder, environment, observed, "-m", "shop and routes")
    return {check: f"{outcome} {line}" for check, (outcome, line) in ran.results("shop").items()}


def _redirected(location: str, status: int = 302) -> Response:
    return answered((APP, status, location))


@pytest.mark.parametrize(
    ("login", "response"),
    [
        ("https://auth.example/", _redirected(LOGIN + NONCE)),
        (LOGIN, _redirected(LOGIN + NONCE, 303)),
        (LOGIN, _redirected("//auth.example/login", 307)),
        ("https://auth.example:443", _redirected(LOGIN)),
        (LOGIN, answered((APP, 401))),
        ("https://app.example/login", _redirected("/login?next=/")),
    ],
)
def test_redirect_to_the_login(login: str, response: Response, tmp_path: Path) -> None:
    route = {"protected": True, "login": login, "redirects": "same-host"}
    assert _results(tmp_path, response, **route) == {}


@pytest.mark.parametrize(
    ("location", "login"),
    [
        ("https://evil.example/login", LOGIN),
        ("http://auth.example/login", LOGIN),
        ("https://auth.example/logout", LOGIN),
        ("https://auth.example:8443/login", LOGIN),
        ("/home", "https://app.example/login"),
        ("https://[broken", LOGIN),
    ],
)
def test_redirect_elsewhere(location: str, login: str, tmp_path: Path) -> None:
    assert _results(tmp_path, _redirected(location), protected=True, login=login) == {
        "routes.protected[app]": "FAIL app without credentials: expected 401 or 403 or a redirect "
        f"to {login}, observed 302 to {location}"
    }


def test_redirect_without_a_declared_login(tmp_path: Path) -> None:
    results = _results(tmp_path, _redirected(LOGIN), protected=True)
    assert results == {
        "routes.status[app]": "FAIL app status: expected 401 or 403, observed 302",
        "routes.protected[app]": "FAIL app without credentials: expected 401 or 403, observed 302",
    }


@pytest.mark.parametrize("status", [200, 400, 426, 502])
def test_websocket_that_is_refused(status: int, tmp_path: Path) -> None:
    assert _results(tmp_path, answered((APP, 101)), websocket=True) == {}
    assert _results(tmp_path, answered((APP, status)), websocket=True) == {
        "routes.status[app]": "FAIL app status: expected a WebSocket (101 Switching Protocols), "
        f"observed {status}"
    }


def test_hint_does_not_repeat_a_request(tmp_path: Path) -> None:
    environment = {
        "services": {"app": {}},
        "routes": {
            "order": {"url": APP, "service": "app", "method": "POST", "body": "{}"},
            "page": {"url": APP, "service": "app"},
        },
    }
    failed = answered((APP, 500))
    containers = {"app": shop.container()}
    observed = shop.facts(responses={"order": failed, "page": failed}, containers=containers)
    ran = shop.replay(tmp_path, environment, observed, "-m", "shop and routes")
    hints = {check["subject"]: recorded(check["hints"]) for check in ran.verdict("shop")["checks"]}
    log = {"here": "docker logs --tail 50 app"}
    assert {name: hints[name] for name in ("order", "page")} == {
        "order": [log],
        "page": [{"here": f"curl -sv {APP}"}, log],
    }


def _hints_of(tmp_path: Path, **route: Any) -> list[Recorded]:
    environment = {
        "services": {"app": {}},
        "routes": {"app": {"url": APP, "service": "app", **route}},
    }
    observed = shop.facts(
        responses={"app": answered((APP, 500))}, containers={"app": shop.container()}
    )
    ran = shop.replay(tmp_path, environment, observed, "-m", "shop and routes")
    (check,) = ran.verdict("shop")["checks"]
    return recorded(check["hints"])[:-1]  # without the log


@pytest.mark.parametrize(
    ("route", "options"),
    [
        ({"method": "HEAD"}, "--head"),
        ({"method": "OPTIONS"}, "--request OPTIONS"),
        ({"follow_redirects": True}, "--location"),
        ({"body": "{'a': 1}"}, """--request GET --data-raw '{'"'"'a'"'"': 1}'"""),
        ({"headers": {"Accept": "a/b c"}}, "--header 'Accept: a/b c'"),
    ],
)
def test_hint_sends_the_request_of_the_check(
    route: Mapping[str, Any], options: str, tmp_path: Path
) -> None:
    assert _hints_of(tmp_path, **route) == [{"here": f"curl -sv {options} {APP}"}]


@pytest.mark.parametrize(
    ("route", "advice"),
    [
        (
            {"headers": {"Authorization": "Bearer t0psecret"}},
            "also send its header Authorization, which the environment file declares",
        ),
        (
            {"headers": {"Authorization": "Bearer ${SHOP_LOGIN}"}},
            "also send its header Authorization, which the environment file takes from SHOP_LOGIN",
        ),
        (
            {"body": "${SHOP_LOGIN}"},
            "also send its body, which the environment file takes from SHOP_LOGIN",
        ),
    ],
)
def test_hint_has_no_secret(
    route: Mapping[str, Any], advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_LOGIN", "t0psecret")
    command, found = _hints_of(tmp_path, **route)
    assert "t0psecret" not in str(command)
    assert found == advice
