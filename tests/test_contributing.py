"""What CONTRIBUTING.md shows is what stands in the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_EXAMPLE = re.compile(r"\(`([\w/]+\.py)`\).*?```python\n(.*?)```", flags=re.DOTALL)
EXAMPLES = _EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "example"), EXAMPLES, ids=[file for file, _ in EXAMPLES])
def test_example(file: str, example: str) -> None:
    assert example in (ROOT / file).read_text(encoding="utf-8")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3
