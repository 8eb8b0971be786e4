"""What Traefik's API reports, from answers of a real Traefik 3.7 and of an imitation."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stackproof.facts.traefik import TraefikItem
from stackproof.probes.proxies.traefik import read
from stackproof.unobserved import UnobservedError
from tests.command_line import ROOT

RECORDED = json.loads((ROOT / "tests/samples/traefik-3.7.json").read_text())


class Api:
    """An API with the form of Traefik's: lists come in pages."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = {f"/api/{name.replace('_', '/')}": items for name, items in lists.items()}
        self.asked: list[str] = []

    def __call__(self, path: str) -> tuple[str, Mapping[str, str]]:
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if parts.path == "/api/overview":
            return json.dumps(self._overview()), {}
        query = {name: int(value) for name, (value,) in parse_qs(parts.query).items()}
        items, size = self.lists.get(parts.path, []), query["per_page"]
        end = query["page"] * size
        following = query["page"] + 1 if end < len(items) else 1
        return json.dumps(items[end - size : end]), {"X-Next-Page": str(following)}

    def _overview(self) -> dict[str, Any]:
        overview: dict[str, Any] = {"http": {}, "tcp": {}, "providers": ["Docker"]}
        for path, items in self.lists.items():
            _, _, protocol, section = path.split("/")
            statuses = [each.get("status") for each in items]
            overview[protocol][section] = {
                "total": len(items),
                "errors": statuses.count("disabled"),
                "warnings": statuses.count("warning"),
            }
        return overview


def _item(name: str, status: str = "enabled", **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "provider": name.partition("@")[2], **more}


def test_a_real_traefik() -> None:
    found = read(lambda path: (json.dumps(RECORDED[path]), {"x-next-page": "1"}))
    assert found.routers == 5
    assert found.servers == {"api@file": {"http://api:8000": "UP"}}
    assert found.problems[1] == TraefikItem(
        kind="http router", name="broken@file", status="disabled",
        problem='the service "gone@file" does not exist',
    )  # fmt: skip
    assert [each.name for each in found.problems] == [
        "badrule@file", "broken@file", "noep@file", "nomw@file"
    ]  # fmt: skip


def test_without_problems_three_requests_suffice() -> None:
    api = Api(
        http_routers=[_item("a@docker"), _item("api@internal")], tcp_routers=[_item("b@file")]
    )
    assert (read(api).routers, read(api).problems) == (2, ())
    assert api.asked[:3] == ["/api/overview", "/api/http/routers", "/api/http/services"]
    assert len(api.asked) == 6


def test_a_list_in_pages() -> None:
    routers = [_item(f"r{n}@file") for n in range(120)]
    routers[119] = _item("last@file", "disabled", error=["one", "two"])
    found = read(Api(http_routers=routers))
    assert found.routers == 120
    assert [(each.name, each.problem) for each in found.problems] == [("last@file", "one; two")]


def test_a_list_that_is_too_long() -> None:
    routers = [_item(f"r{n}@file") for n in range(1001)]
    with pytest.raises(UnobservedError, match="more than 1000 http routers"):
        read(Api(http_routers=routers))


def test_errors_come_before_warnings() -> None:
    api = Api(
        http_middlewares=[_item("m@docker", "warning")],
        tcp_services=[_item("t@docker", "disabled"), _item("noop@internal", "disabled")],
    )
    assert [(each.kind, each.name) for each in read(api).problems] == [
        ("tcp service", "t@docker"), ("http middleware", "m@docker")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/overview", "404 page not found"),
        ("/api/overview", '{"http": []}'),
        ("/api/overview", '{"http": {"routers": 5}}'),
        ("/api/overview", "[]"),
        ("/api/http/routers", '{"docker": {}}'),
        ("/api/http/services", '[{"status": "enabled"}]'),
        ("/api/http/services", "[" * 100_000),
    ],
)
def test_what_is_no_such_api(path: str, body: str) -> None:
    api = Api(http_routers=[])

    def answer(asked: str) -> tuple[str, Mapping[str, str]]:
        return (body, {}) if asked.partition("?")[0] == path else api(asked)

    with pytest.raises(UnobservedError, match="not answer as that of Traefik 2 or 3"):
        read(answer)
