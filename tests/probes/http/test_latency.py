"""Samples of a route's latency are of right answers only, and end in time."""

import pytest

from stackproof.environment.routes import Route
from stackproof.facts.response import Hop, Response
from stackproof.probes.http import latency

ROUTE = Route(name="home", url="http://shop.example/", service="web")


def answer(status: int, elapsed_ms: float, error: str | None = None) -> Response:
    hops = (Hop(url=ROUTE.url, status=status, location=None),)
    return Response(hops=hops, elapsed_ms=elapsed_ms, error=error)


def test_right_answers_alone_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SAMPLES", 5)
    answers = iter(
        [
            answer(200, 3.5),
            answer(502, 1.0),
            Response(hops=(), error="connection refused", elapsed_ms=0.1),
            answer(200, 2.0, error="no answer within 5 s"),
            answer(200, 4.5),
        ]
    )
    assert latency.sample(lambda _: next(answers), ROUTE) == (3.5, 4.5)


def test_a_slow_route_is_sampled_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "LATENCY_SECONDS", -1)
    assert latency.sample(lambda _: answer(200, 3.5), ROUTE) == (3.5,)
