"""Hostile text from servers and command lines in what a watch prints and writes."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stackproof.cli.command_line import main
from stackproof.cli.screen import say
from stackproof.deploy.progress import Progress
from stackproof.reports.availability import timeline
from stackproof.reports.availability.markdown import markdown
from stackproof.reports.availability.model import RouteAvailability, Watch
from stackproof.reports.availability.text import lines
from tests.cli.test_availability_text import WINDOW, _watch
from tests.hostile import TEXTS, complaints, texts_in

_ROUTE: dict[str, Any] = {
    "requests": 2, "right": 1, "not_sent": 0, "failed_before": 0, "availability": 50,
    "longest_gap": {"seconds": 1, "began": WINDOW.epoch, "ended": None},
    "before": None, "after": None, "slices": (), "unseen": 1,
}  # fmt: skip


@pytest.fixture(params=list(TEXTS.values()), ids=list(TEXTS))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def watched(text: str) -> Watch:
    """A watch in which every text is hostile."""
    now = datetime.now(UTC)
    seen = dict.fromkeys(("first", "last"), now)
    answering = {"instance": text, "before": True, "answers": 1, **seen}
    outage = {
        **dict.fromkeys(("seconds", "at_least", "at_most"), 1),
        "began": WINDOW.epoch, "ended": None, "failures": {text: 1},
    }  # fmt: skip
    route = RouteAvailability.model_validate(
        {
            **_ROUTE, "route": text, "service": text, "failures": {text: 1}, "said": {text: text},
            "unseen_said": text, "outages": (outage,), "instances": (answering, answering),
        }
    )  # fmt: skip
    watch = _watch(route).model_dump() | {"command": text, "environment": text}
    return Watch.model_validate(watch)


def test_printed_text(watched: Watch, capfd: pytest.CaptureFixture[str]) -> None:
    for line in lines(watched):
        say(line)
    printed = capfd.readouterr().err
    assert len(printed.splitlines()) == len(list(lines(watched)))
    assert [each for each in complaints(printed) if "characters" not in each] == []


def test_written_files(watched: Watch) -> None:
    for text in texts_in(json.loads(watched.model_dump_json())):
        assert [each for each in complaints(text) if not each.startswith("forged")] == []
    picture = timeline.draw(watched)
    drawn = ET.fromstring(picture)  # noqa: S314
    assert {each.tag.rpartition("}")[2] for each in drawn.iter()} == {
        "svg", "title", "rect", "text", "path"
    }  # fmt: skip
    assert "href" not in {name for each in drawn.iter() for name in each.attrib}
    assert complaints("\n".join(filter(None, (each.text for each in drawn.iter())))) == []
    page = markdown(watched)
    assert "<" not in page.replace("<br>", "")
    assert len(page.splitlines()) == 8


def test_progress(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    progress = Progress(stream=sys.stderr)
    for _ in range(2):
        progress.report(text, 1, 9)
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
def test_usage_errors(
    text: str, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    longest = 100 if "DIR" in str(arguments) else len(text)  # a folder's name has a limit
    given = [each.replace("{}", text.replace("\0", "")[:longest]) for each in arguments]
    assert main([*given[:-2], f"--output={tmp_path}", *given[-2:]]) == 4
    printed = capfd.readouterr().err
    assert printed.startswith("stackproof: ")
    assert (printed.count("\n"), complaints(printed)) == (1, [])
