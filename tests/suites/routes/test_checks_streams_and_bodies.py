"""In a run: WebSockets, streams, limits of bodies and forbidden texts, with and without nginx."""

from pathlib import Path
from typing import Any

import pytest

from stackproof.facts.proxy import Proxy
from stackproof.facts.response import Announced, BodyLimit
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import answered, leads

URL = "https://shop.example/"
EVENTS = {"content-type": "text/event-stream"}
LOST = leads("app:80", not_passed=("Upgrade", "Connection"), buffers=True, max_body=1 << 20)


def _results(
    folder: Path, route: dict[str, Any], passed: Any = None, **observed: Any
) -> dict[str, str]:
    environment: dict[str, Any] = {
        "services": {"app": {}, "proxy": {}},
        "routes": {"app": {"url": URL, "service": "app", **route}},
    }
    if passed:
        environment["nginx"] = {"service": "proxy"}
        seen = Proxy(destinations={"app": passed}, files={}, workers=(), addresses={})
        observed["proxies"] = {"proxy": seen}
    ran = shop.replay(folder, environment, shop.facts(**observed), "-m", "shop and routes")
    return {check: f"{outcome} {line}" for check, (outcome, line) in ran.results("shop").items()}


@pytest.mark.parametrize(
    ("passed", "why"),
    [
        (None, ""),
        (LOST, ": nginx does not pass Upgrade and Connection"),
        (leads("app:80"), ""),
        (Unobserved(reason="too long"), ""),
    ],
)
def test_websocket(passed: Any, why: str, tmp_path: Path) -> None:
    refused = {"app": answered((URL, 400))}
    assert _results(tmp_path, {"websocket": True}, passed, responses=refused) == {
        "routes.status[app]": "FAIL app status: expected a WebSocket (101 Switching Protocols), "
        f"observed 400{why}"
    }


@pytest.mark.parametrize(
    ("passed", "why"),
    [(None, ""), (LOST, ": nginx buffers the response (proxy_buffering on)")],
)
def test_stream(passed: Any, why: str, tmp_path: Path) -> None:
    silent = {"app": answered((URL, 200), headers=EVENTS, stream="silent")}
    assert _results(tmp_path, {"stream": True}, passed, responses=silent) == {
        "routes.stream[app]": "FAIL app stream: expected events while the response goes on, "
        f"observed no event in time{why}"
    }


def test_stream_that_is_fine(tmp_path: Path) -> None:
    fine = {"app": answered((URL, 200), headers=EVENTS, stream="open", body="data: 1\n\n")}
    assert _results(tmp_path, {"stream": True}, LOST, responses=fine) == {}


def test_stream_that_ends(tmp_path: Path) -> None:
    ended = {"app": answered((URL, 200), headers=EVENTS, stream="ended", body="data: 1\n\n")}
    assert _results(tmp_path, {"stream": True}, LOST, responses=ended) == {
        "routes.stream[app]": "UNKNOWN could not be evaluated: it ended with its first events: "
        "that does not show if they are late"
    }


def _limit(at_limit: int, above: int) -> dict[str, Any]:
    found = BodyLimit(at_limit=Announced(status=at_limit), above=Announced(status=above))
    return {"responses": {"app": answered((URL, 200))}, "body_limits": {"app": found}}


@pytest.mark.parametrize(
    ("answers", "passed", "line"),
    [
        ((100, 413), None, None),
        (
            (413, 413), LOST,
            "FAIL app body limit: expected a body of 16 MiB to be accepted, observed 413 Request "
            "Entity Too Large: client_max_body_size is 1 MiB",
        ),
        (
            (413, 413), None,
            "FAIL app body limit: expected a body of 16 MiB to be accepted, observed 413 Request "
            "Entity Too Large",
        ),
        (
            (100, 100), leads("app:80", max_body=0),
            "FAIL app body limit: expected a body of more than 16 MiB to be refused with 413, "
            "observed 100 Continue: client_max_body_size is 0 (no limit)",
        ),
        # A Caddy asks for every body, and refuses a larger one while it reads.
        (
            (100, 100), None,
            "UNKNOWN could not be evaluated: a body that is announced is answered with 100",
        ),
    ],
)  # fmt: skip
def test_body_limit(
    answers: tuple[int, int], passed: Any, line: str | None, tmp_path: Path
) -> None:
    found = _results(tmp_path, {"body_limit": "16M"}, passed, **_limit(*answers))
    assert found == ({"routes.body_limit[app]": line} if line else {})


@pytest.mark.parametrize(
    ("response", "line"),
    [
        (answered((URL, 200), body="<title>Shop</title>"), None),
        (
            answered((URL, 200), body="<title>Shop</title><p>Application error: digest 1</p>"),
            "FAIL app text: expected no Application error, observed Application error: digest 1",
        ),
        (
            answered((URL, 200), body="<title>Shop</title>", whole=False),
            "UNKNOWN could not be evaluated: the first 19 characters of the body do not decide it",
        ),
    ],
)
def test_forbidden_text(response: Any, line: str | None, tmp_path: Path) -> None:
    declared = {"must_not": {"text": ["Application error", "Bad Gateway"]}}
    found = _results(tmp_path, declared, responses={"app": response})
    assert found == ({"routes.forbidden_text[app]": line} if line else {})


def test_forbidden_text_of_an_error_page(tmp_path: Path) -> None:
    """An error with its status is what the status says."""
    response = answered((URL, 502), body="Bad Gateway")
    found = _results(tmp_path, {"must_not": {"text": "Bad Gateway"}}, responses={"app": response})
    assert found == {
        "routes.status[app]": "FAIL app status: expected 200, observed 502",
        "routes.forbidden_text[app]": "UNKNOWN could not be evaluated: the route answered 502",
    }
