"""Configurations in the style of public projects, which combine nginx's directives as people do."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.probes.nginx.corpus.case import Case

_FOLDER = Path(__file__).with_name("public")
_REQUEST = re.compile(r"^# request: (\S+)$", re.MULTILINE)


def public_cases() -> Iterator[Case]:
    for path in sorted(_FOLDER.glob("*.conf")):
        text = path.read_text(encoding="utf-8")
        http, _, stream = text.partition("# stream:\n")
        yield Case(path.stem, http, tuple(_REQUEST.findall(text)), stream)
