"""What a server or a command line says acts on nothing that a watch prints or writes."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from commands.__main__ import main
from commands.screen import say
from fixtures.progress import Progress
from reports import timeline
from reports.availability import RouteAvailability, Watch
from reports.availability_markdown import markdown
from reports.availability_text import lines
from tests.commands.test_words import COURSE, _watch
from tests.hostile import TEXTS, complaints

_ROUTE: dict[str, Any] = {
    "requests": 2, "right": 1, "not_sent": 0, "failed_before": 0, "availability": 50,
    "longest_gap": {"seconds": 1, "began": COURSE.epoch, "ended": None},
    "before": None, "after": None, "slices": (), "unseen": 1,
}  # fmt: skip


@pytest.fixture(params=list(TEXTS.values()), ids=list(TEXTS))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def told(text: str) -> Watch:
    """A watch in which every text is this one."""
    now = datetime.now(UTC)
    seen = dict.fromkeys(("first", "last"), now)
    answering = {"instance": text, "before": True, "answers": 1, **seen}
    outage = {
        **dict.fromkeys(("seconds", "at_least", "at_most"), 1),
        "began": COURSE.epoch, "ended": None, "failures": {text: 1},
    }  # fmt: skip
    route = RouteAvailability.model_validate(
        {
            **_ROUTE, "route": text, "service": text, "failures": {text: 1}, "said": {text: text},
            "unseen_said": text, "outages": (outage,), "instances": (answering, answering),
        }
    )  # fmt: skip
    watch = _watch(route).model_dump() | {"command": text, "environment": text}
    return Watch.model_validate(watch)


def test_what_is_printed(told: Watch, capfd: pytest.CaptureFixture[str]) -> None:
    for line in lines(told):
        say(line)
    printed = capfd.readouterr().err
    assert len(printed.splitlines()) == len(list(lines(told)))
    assert [each for each in complaints(printed) if "characters" not in each] == []


def test_what_is_written(told: Watch) -> None:
    for text in _texts(json.loads(told.model_dump_json())):
        assert [each for each in complaints(text) if not each.startswith("forged")] == []
    picture = timeline.draw(told)
    drawn = ET.fromstring(picture)  # noqa: S314
    assert {each.tag.rpartition("}")[2] for each in drawn.iter()} == {
        "svg", "title", "rect", "text", "path"
    }  # fmt: skip
    assert "href" not in {name for each in drawn.iter() for name in each.attrib}
    assert complaints("\n".join(filter(None, (each.text for each in drawn.iter())))) == []
    page = markdown(told)
    assert "<" not in page.replace("<br>", "")
    assert len(page.splitlines()) == 8


def test_a_line_of_progress(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    progress = Progress(stream=sys.stderr)
    for _ in range(2):
        progress.tell(text, 1, 9)
    progress.end()
    printed = capfd.readouterr().err
    assert printed.startswith("waiting for ")
    assert (printed.count("\n"), complaints(printed)) == (1, [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("{}",),
        ("watch", "{}", "--", "true"),
        ("watch", "shop", "{}", "--", "true"),
        ("watch", "shop", "--rate={}", "--", "true"),
        ("watch", "shop", "--environments=DIR{}", "--", "true"),
        ("watch", "lab", "--", "{}"),
    ],
)
def test_wrong_usage(
    text: str, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    longest = 100 if "DIR" in str(arguments) else len(text)  # a folder's name has a limit
    given = [each.replace("{}", text.replace("\0", "")[:longest]) for each in arguments]
    assert main([*given[:-2], f"--output={tmp_path}", *given[-2:]]) == 4
    printed = capfd.readouterr().err
    assert printed.startswith("stackproof: ")
    assert (printed.count("\n"), complaints(printed)) == (1, [])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
