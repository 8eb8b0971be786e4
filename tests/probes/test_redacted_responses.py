"""Responses lose their secrets, and keep what the environment expects of them."""

from typing import Any

import pytest

from stackproof.environment.model import Environment
from stackproof.facts.compose_file import ComposeFile
from stackproof.facts.proxy import LogEntry
from stackproof.facts.response import Response
from stackproof.facts.tls import Handshake
from stackproof.probes.facts_redaction import FactsRedaction
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import AT, answered, container
from tests.suites.gates.deploys import SETTLED

URL = "https://shop.example/"
SECRET = "hunter2Xq9"  # noqa: S105 - a sample


@pytest.fixture(autouse=True)
def _no_secrets_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


def _environment(**expected: Any) -> Environment:
    route = {"url": URL, "service": "api", **expected}
    return Environment.model_validate(
        {"name": "shop", "services": {"api": {}}, "routes": {"home": route}}
    )


def _redacted(response: Response, **expected: Any) -> Response:
    facts = shop.facts(responses={"home": response})
    found = FactsRedaction(_environment(**expected)).redact(facts).responses["home"]
    assert isinstance(found, Response)
    return found


def _body(body: str, **expected: Any) -> str:
    return _redacted(answered((URL, 200), body=body), **expected).body


@pytest.mark.parametrize(
    ("name", "value", "redacted"),
    [
        ("x-api-key", SECRET, "[redacted]"),
        ("session", SECRET, "[redacted]"),
        ("session", "none", "none"),
        ("token", "expected1", "expected1"),
        ("x-trace", SECRET, SECRET),
        ("x-upstream", f"http://bob:{SECRET}@api:5000", "http://bob:***@api:5000"),
        ("x-log", f"password={SECRET}", "password=[redacted]"),
        ("location", f"/?token={SECRET}", "/?token=REDACTED-1"),
        ("Location", f"/?token={SECRET}", "/?token=REDACTED-1"),
    ],
)
def test_header(name: str, value: str, redacted: str) -> None:
    expected = {"headers": {"token": "expected1"}}
    response = answered((URL, 200), headers={name: value})
    assert _redacted(response, identity=expected).headers == {name: redacted}


@pytest.mark.parametrize(
    ("text", "body", "redacted"),
    [
        # Its end, its start, all of it, and a part of it are expected.
        ("Xq9, ok", "password=hunter2Xq9, ok", "password=[redacted]Xq9, ok"),
        ("word=hun", "password=hunter2Xq9, ok", "password=hun[redacted], ok"),
        ("password=hunter2Xq9", "password=hunter2Xq9, ok", "password=hunter2Xq9, ok"),
        ("nter", "password=hunter2Xq9, ok", "password=[redacted]nter[redacted], ok"),
        # A mark must not be what is expected and absent.
        ("redact", "password=hunter2Xq9, ok", "password=***, ok"),
        ("[redacted] it", "password=hunter2Xq9, ok", "password=***, ok"),
        ("red", "red password=hunter2Xq9", "red password=[redacted]"),
    ],
)
def test_expected_text(text: str, body: str, redacted: str) -> None:
    assert _body(body, identity={"text": text}) == redacted
    assert _body(body, healthy={"text": text}) == redacted


def test_mark_that_is_none_of_several_absent_texts() -> None:
    expected = {"identity": {"text": "redacted"}, "healthy": {"text": "***"}}
    assert _body("password=hunter2Xq9", **expected) == "password=(hidden)"


@pytest.mark.parametrize(
    ("fields", "body", "redacted"),
    [
        ({"token": "ab1"}, '{"token": "ab1"}', '{"token": "ab1"}'),
        ({"token": "ab2"}, '{"token": "ab1"}', '{"token": "[redacted]"}'),
        (
            {"token": 'a"b1'},
            '{"token": "a\\"b1", "password": "x1"}',
            '{"token": "a\\"b1", "password": "[redacted]"}',
        ),
        (
            {"db.main.url": "redis://:pw1@r:1"},
            '{"db": {"main": {"url": "redis://:pw1@r:1"}}, "password": "x1"}',
            '{"db": {"main": {"url": "redis://:pw1@r:1"}}, "password": "[redacted]"}',
        ),
    ],
)
def test_expected_field(fields: dict[str, str], body: str, redacted: str) -> None:
    assert _body(body, healthy={"fields": fields}) == redacted


def test_fields_that_people_read_and_names() -> None:
    text = f"password={SECRET}"
    mark, name = "password=[redacted]", "password=REDACTED-1"
    facts = shop.facts(
        containers={
            "api": container(log_tail=(text, "next"), creation=shop.created(image=text)),
            "db": Unobserved(reason=text),
        },
        commands={"nginx_test proxy": shop.said(text, 1, text)},
        responses={"home": Response(hops=(), error=text, elapsed_ms=1)},
        answers={"health api": Response(hops=(), error=text, elapsed_ms=1)},
        alarms={"proxy": (LogEntry(at=AT, line=text),)},
        handshakes={"shop.example": Handshake(error=text, refused=text)},
        compose_file=ComposeFile(path="compose.yaml", problem=text),
        settling=SETTLED.model_copy(update={"blind": text, "waited_for": {text: 1.0}}),
        machine=shop.MACHINE.model_copy(update={"engine_version": text}),
    )
    written = FactsRedaction(_environment()).redact(facts).model_dump(mode="json")
    assert written["containers"]["api"]["log_tail"] == [mark, "next"]
    assert written["containers"]["api"]["creation"]["image"] == name
    assert written["containers"]["db"]["reason"] == mark
    assert written["commands"]["nginx_test proxy"]["output"] == mark
    assert written["commands"]["nginx_test proxy"]["command"] == name
    assert written["responses"]["home"]["error"] == mark
    assert written["answers"]["health api"]["error"] == mark
    assert written["alarms"]["proxy"][0]["line"] == mark
    assert written["handshakes"]["shop.example"]["refused"] == mark
    assert written["compose_file"]["problem"] == mark
    assert written["settling"]["blind"] == mark
    assert written["settling"]["waited_for"] == {name: 1.0}
    assert written["machine"]["engine_version"] == name


def test_same_secret_has_the_same_mark_in_names() -> None:
    networks = {f"a-token={SECRET}": (), "b-token=other1": (), f"c-token={SECRET}": ()}
    facts = shop.facts(networks=networks)
    assert list(FactsRedaction(_environment()).redact(facts).networks or ()) == [
        "a-token=REDACTED-1", "b-token=REDACTED-2", "c-token=REDACTED-1",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["environment-1", "c0ffee", "hopeless", "time-out"])
def test_words_of_ours_are_kept(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr("os.environ", {"A_TOKEN": word})
    facts = shop.facts(
        environment="environment-1",
        responses={"home": Response(hops=(), failure="time-out", elapsed_ms=1)},
        settling=SETTLED.model_copy(update={"ended": "hopeless"}),
    )
    assert FactsRedaction(_environment()).redact(facts) == facts


def test_declared_requests_and_commands_keep_what_is_expected() -> None:
    text = f"token={SECRET}"
    environment = Environment.model_validate(
        {
            "name": "shop",
            "services": {"db": {}},
            "commands": {
                "kept": {"service": "db", "argv": ["a"], "text": text},
                "other": {"service": "db", "argv": ["a"]},
                "unwanted": {"service": "db", "argv": ["a"], "no_text": text},
            },
            "requests": {
                "kept": {"service": "db", "port": 80, "path": "/", "text": text},
                "other": {"service": "db", "port": 80, "path": "/"},
            },
        }
    )
    names = ("kept", "other", "unwanted")
    facts = shop.facts(
        declared_commands={"db": {name: shop.said("a", 0, text) for name in names}},
        declared_requests={
            "db": {name: answered((URL, 200), body=text) for name in names[:2]},
            "web": Unobserved(reason=text),
        },
    )
    found = FactsRedaction(environment).redact(facts)
    outputs = {name: each.output for name, each in found.declared_commands["db"].items()}
    assert outputs == {"kept": text, "other": "token=[redacted]", "unwanted": text}
    bodies = {name: each.body for name, each in found.declared_requests["db"].items()}
    assert bodies == {"kept": text, "other": "token=[redacted]"}
    assert found.declared_requests["web"] == Unobserved(reason="token=[redacted]")
