"""Secrets in a query that is percent-encoded, such as that of a URL in a parameter of a URL."""

import pytest

from stackproof.secrets import redact

SECRET = "hunter2Xq9"  # noqa: S105 - a sample


@pytest.mark.parametrize(
    "text",
    [
        "?next=%2Fa%3Fkey%3D§",
        "?next=%2Fa%3Fkey%3D§%26x%3D1",
        "?next=%2Fa%3Fx%3D1%26code%3D§%26y%3D2",
        "?next=%2Fa%3fcode%3d§%26y%3d2",
        "?next=/a%3Fkey=§&x=1",
        "?next=/a%26code=§&x=1",
        "%26hash%3D§ and more",
        "code%3D§%26state%3D1",
        "cb%3Fcode%3D§&state=1",
        # Encoded twice and more often.
        "?u=%2Fa%253Fkey%253D§",
        "?u=%2Fa%252526key%25253D§",
        "?u=%25252526key%2525253D§",
        "ticket%253D§%2526state%253D1",
        # Names that are secrets in an assignment, after any encoded character.
        "%26auth%3D§",
        "x%0Apin%3D§",
        "x%0D%0Apin%3D§",
        "a%09pin%3D§",
        "x%3Bpin%3D§",
        "%7Bpin%3D§%7D",
        "%3Fuser%5Bpin%5D%3D§",
        "?user%5Bpin%5D=§",
        "?access%5Bkey%5D=§&x=1",
        "?access%5bkey%5d=§&x=1",
        # JSON
        "?a=%7B%22auth%22%3A%22§%22%7D",
        "?a=%7B%22x%22%3A1%2C%20%22auth%22%3A%20%22§%22%7D",
        "?a=%7B%22auth%22%3A+%22§%22%7D",
        "?a=%257B%2522auth%2522%253A%2520%2522§%2522%257D",
        "?a=password%3A%20§",
    ],
)
def test_secret(text: str) -> None:
    redacted = redact(text.replace("§", SECRET))
    assert redacted.startswith(text.partition("§")[0] + "[redacted]")
    assert SECRET not in redacted
    assert redact(redacted) == redacted
    if "%25" not in text:
        assert redacted == text.replace("§", "[redacted]")


@pytest.mark.parametrize(
    "text",
    [
        "?next=%2Fa%3Fpage%3D§",
        "?next=%2Fkey%3D§",
        "?next=%2Fa%2Fcode%3D§",
        "?a=%3Fkey%3A§",
        "?a=%7B%22key%22%3A%22§%22%7D",
        "3Fkey%3D§",
        "100%3Fcode",
        "code%3D§%3D%26",
    ],
)
def test_no_secret(text: str) -> None:
    assert redact(text.replace("§", SECRET)) == text.replace("§", SECRET)
