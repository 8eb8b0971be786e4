"""The content of odd responses; if it cannot be decided, it is unobserved."""

from threading import Event

import pytest

from stackproof.deploy.prober import Prober, Sample
from stackproof.environment.responses import ExpectedContent, Instance
from stackproof.environment.routes import Route
from stackproof.facts.response import Hop, Response
from stackproof.probes.http.content import forbidden, instance_of, mismatch
from stackproof.unobserved import UnobservedError

DUE = ExpectedContent(fields={"service": "api"})
URL = "http://shop.example/"


def answer(body: str, *, whole: bool = True) -> Response:
    hops = (Hop(url=URL, status=200, location=None),)
    return Response(hops=hops, body=body, whole=whole, elapsed_ms=1)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"service": "api"}', ""),
        ('{"service": "api", "n": %s}' % ("1" * 5000), ""),
        ('{"service": "web", "service": "api"}', ""),
        ('{"service": 1e999}', "service: Infinity"),
        ('{"service": NaN}', "service: NaN"),
        ('{"service": null}', "service: none"),
        ('{"service": "\\ud800"}', "service: \ud800"),
        ('{"service": [1]}', "service: [1]"),
        ("[" * 100_000, "service: none"),
        ("[" * 900 + "]" * 900, "service: none"),
        ("", "service: none"),
        ("\0", "service: none"),
        ('"api"', "service: none"),
        ("{", "service: none"),
    ],
)
def test_fields(body: str, found: str) -> None:
    assert mismatch(DUE, answer(body)) == (("service: api", found) if found else ("", ""))


@pytest.mark.parametrize(
    ("body", "whole", "reason"),
    [
        ('{"a":' * 100_000, True, "the JSON of the body is nested too deeply to be read"),
        ('{"a": "' + "x" * 1000, False, "the body is too long for its JSON to be read"),
    ],
)
def test_fields_that_may_be_in_what_was_not_read(body: str, whole: bool, reason: str) -> None:
    with pytest.raises(UnobservedError) as raised:
        mismatch(DUE, answer(body, whole=whole))
    assert str(raised.value) == reason


def test_a_text_that_may_be_in_what_was_not_read() -> None:
    due = ExpectedContent(text="fine")
    assert mismatch(due, answer("all is fine", whole=False)) == ("", "")
    assert mismatch(due, answer("all is lost")) == ("fine", "all is lost")
    with pytest.raises(
        UnobservedError, match="the first 6 characters of the body do not decide it"
    ):
        mismatch(due, answer("all is", whole=False))


def test_a_request_whose_content_is_undecidable_is_unobserved() -> None:
    deep = '{"a":' * 100_000
    assert _probed(deep, identity={"fields": {"service": "api"}}).unobserved
    right = _probed(deep, instance={"field": "id"})
    assert right.succeeded
    assert right.instance == ""
    with pytest.raises(UnobservedError):
        instance_of(Instance(field="id"), answer(deep))


def _probed(body: str, **declared: object) -> Sample:
    route = Route.model_validate({"name": "home", "url": URL, "service": "api", **declared})
    asked = Event()

    def request(_: Route) -> Response:
        asked.set()
        return answer(body)

    prober = Prober({"home": route}, request, rate=50)
    prober.start()
    assert asked.wait(30)
    prober.stop(30)
    return prober.samples[0]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("fine", {}),
        ("bad gateway", {}),
        ("", {}),
        ("Bad Gateway", {"Bad Gateway": "Bad Gateway"}),
        ("<h1>502 Bad\r\n\tGateway </h1>", {"Bad Gateway": "Bad Gateway"}),
        (f"Down {'y' * 99}Bad Gateway", {"Bad Gateway": "Bad Gateway", "Down": f"Down {'y' * 59}"}),
        ("\0\ud800Down\0", {"Down": "Down\0"}),
    ],
)
def test_forbidden(body: str, found: dict[str, str]) -> None:
    assert forbidden(("Bad Gateway", "Down"), answer(body)) == found


def test_forbidden_in_what_was_not_read() -> None:
    assert forbidden(("Down",), answer("Down", whole=False)) == {"Down": "Down"}
    with pytest.raises(UnobservedError) as raised:
        forbidden(("Down",), answer("fine", whole=False))
    assert str(raised.value) == "the first 4 characters of the body do not decide it"
