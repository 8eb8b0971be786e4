"""Hostile texts in every field of every output: none acts on a terminal or a CI runner."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stackproof.printable import lines, one_line
from stackproof.reports.verdict import Attempt, CheckResult
from tests.hostile import OURS, TEXTS, complaints, texts_in
from tests.reports.conftest import Run

_CHECKS = """
import json, warnings
from pathlib import Path
from stackproof.report_properties import WAIVED, properties_of

TEXTS = json.loads(Path("texts.json").read_text())
numbered = [
    lambda kind, n=n: pytest.param(
        n, marks=check("routes", kind, f"s{n}", service=f"s{n}"), id=f"{n}"
    )
    for n in range(len(TEXTS))
]

def every(kind):
    return pytest.mark.parametrize("number", [each(kind) for each in numbered])

@pytest.fixture
def text(number):
    return TEXTS[number]

@every("failed")
def test_failed(text, number, warn):
    warn(finding(Named("s"), text, expected=text, observed=text))
    print(text)
    assert False, finding(
        Named(text), text, expected=text, observed=text, evidence={text: text, "log": text},
        hint=text,
    )

@every("observed")
def test_observed(text, number):
    assert False, finding(
        api, "state", expected="ok", observed=text, evidence={"body": text}, hint="docker ps"
    )

@every("unknown")
def test_unknown(text, number):
    raise UnobservedError(text)

@every("bare")
def test_bare(text, number):
    assert False, text

@every("crashed")
def test_crashed(text, number):
    raise ValueError(text)

@every("skipped")
def test_skipped(text, number):
    pytest.skip(text)

@every("waived")
def test_waived(text, number, request):
    properties_of(request.node).append(("waiver", text))
    request.node.stash[WAIVED] = True
    assert False, finding(api, "state", expected="ok", observed=text)

@every("passed")
def test_passed(text, number, request):
    properties_of(request.node).append(("waiver", text))
"""

_ARGUMENTS = {
    "plain": "",
    "verbose": "-vv --no-header -rA --durations=5 --tb=native -l",
    "worker": "-n1 -v --tb=line -ra",
}


@pytest.fixture
def texts(pytester: pytest.Pytester) -> None:
    # As ASCII: lone surrogates are among them.
    (pytester.path / "texts.json").write_text(json.dumps(list(TEXTS.values())), encoding="ascii")


@pytest.mark.parametrize("arguments", _ARGUMENTS.values(), ids=_ARGUMENTS)
def test_terminal(run: Run, texts: None, arguments: str) -> None:
    result = run(_CHECKS, *arguments.split())
    assert result.ret == 1
    assert complaints(result.stdout.str() + "\n" + result.stderr.str()) == []
    assert len(re.findall(r"^lab: NO-GO — ", result.stdout.str(), re.MULTILINE)) == 1


def test_files(
    run: Run, texts: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    result = run(_CHECKS, "--junitxml=junit.xml", "--alluredir=allure")
    assert complaints(OURS.sub("", result.stdout.str())) == []
    for text in _data(pytester.path):
        assert _unsafe(text) == []
    for text in _prose(pytester.path):
        assert complaints(text) == []
    _is_inert_markdown(page.read_text(encoding="utf-8"))
    for each in _allure(pytester.path):
        assert all(name == "environment" for name in _values(each["parameters"], "name"))
        assert not re.search(r"[<>\[\]](?![^`]*`)", each.get("description", "").partition("**")[2])


def _data(folder: Path) -> Iterator[str]:
    """Yield the texts that are data: evidence, without lines of ours next to it."""
    yield from texts_in(json.loads((folder / "reports/out/lab/verdict.json").read_text()))
    for result in _allure(folder):
        yield from texts_in(result)
    for attached in (folder / "allure").glob("*-attachment*"):
        yield attached.read_text(encoding="utf-8")


def _prose(folder: Path) -> Iterator[str]:
    """Yield the texts that people read as a whole."""
    for each in ET.fromstring((folder / "junit.xml").read_text()).iter():  # noqa: S314
        yield from filter(None, (each.text, *each.attrib.values()))
    for result in _allure(folder):
        yield from texts_in(result.get("statusDetails", {}))


def _unsafe(text: str) -> list[str]:
    return [each for each in complaints(text) if not each.startswith("forged")]


def _allure(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (folder / "allure").glob("*-result.json")]


def _values(found: list[dict[str, Any]], key: str) -> list[Any]:
    return [each[key] for each in found]


def _is_inert_markdown(page: str) -> None:
    outside, inside = re.sub(r"<pre>[^<]*</pre>", "", page), re.findall(r"<pre>([^<]*)</pre>", page)
    assert inside
    assert set(re.findall(r"<[^>]*>", outside)) <= {
        "<b>", "</b>", "<br>", "<code>", "</code>", "<details>", "</details>", "<sub>", "</sub>",
        "<summary>", "</summary>", "<wbr>",
    }  # fmt: skip
    assert not re.search(r"\]\(|https?:|ftp:|www\.|[@`$\\]|:[a-z_]+:", outside)
    for line in outside.splitlines():
        assert re.match(r"$|## lab: |- [✗❓w~!] |\| |<b>|</?details>|\d+ checks: |The rest ", line)
        if line.startswith("| ❌ |"):
            assert line.count("|") == 6


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_result_is_safe_to_print(text: str) -> None:
    made = CheckResult.model_validate(
        {
            **dict.fromkeys(("id", "suite", "check", "subject", "service"), text),
            **dict.fromkeys(("headline", "expected", "observed", "hint", "waiver"), text),
            "hints": ({"text": text, "place": text},),
            "outcome": "FAIL",
            "evidence": {text: text},
            "warnings": (text,),
            "attempts": [Attempt.model_validate({"outcome": "FAIL", "observed": text})],
        }
    )
    for field in texts_in(made.model_dump(mode="json")):
        assert _unsafe(field) == []
    assert "\n" not in made.headline + made.observed + "".join(made.evidence)


@pytest.mark.parametrize("safe", [one_line, lines])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_safe_text_does_not_change(safe: Callable[[str], str], text: str) -> None:
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize(
    "text",
    [
        "3 of 5 running", "naïve café", "日本語のログ", "שלום", "עִבְרִית", "हिन्दी", "ไทยที่นี่",
        "✓ ✗ · — … 👍", "::1", "[::]:443", "listen ::ffff:10.0.0.1", "std::vector", "C# #1 ##",
        "a:b:c 12:28:12", "<none>", "100 %",
    ],
)  # fmt: skip
def test_ordinary_text_is_kept(text: str) -> None:
    assert one_line(text) == text
    assert lines(f"{text}\n\t{text}\n") == f"{text}\n\t{text}\n"
