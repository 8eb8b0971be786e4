"""The content of a response: whether it is the expected one, and which instance sent it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stackproof.environment.responses import ExpectedContent, Instance
from stackproof.facts.response import Response
from stackproof.unobserved import UnobservedError

_TEXT_SHOWN = 60
# Python refuses to convert more digits, to or from text.
_DIGITS_CONVERTED = 1000


def mismatch(expected: ExpectedContent, response: Response) -> tuple[str, str]:
    """Return what is expected but missing, and what is there instead; two empty texts if none.

    Raises:
        UnobservedError: too little of the body was read to decide.
    """
    body = _body_json(response) if expected.fields else None
    headers = {name.lower(): value for name, value in response.headers.items()}
    wanted = {
        **expected.fields,
        **{f"header {name}": value for name, value in expected.headers.items()},
    }
    observed = {
        **{name: field_text(body, name) for name in expected.fields},
        **{f"header {name}": headers.get(name.lower()) for name in expected.headers},
    }
    wrong = [name for name in wanted if observed[name] != wanted[name]]
    if wrong:
        return _join(wanted, wrong), _join(observed, wrong)
    if expected.text and expected.text not in response.body:
        if not response.whole:
            raise UnobservedError(
                f"the first {len(response.body)} characters of the body do not decide it"
            )
        return expected.text, " ".join(response.body.split())[:_TEXT_SHOWN] or "nothing"
    return "", ""


def forbidden(texts: Iterable[str], response: Response) -> dict[str, str]:
    """Return which texts the body contains, each with what follows it. White space is one blank.

    Raises:
        UnobservedError: it contains none, and too little of the body was read to decide.
    """
    body = " ".join(response.body.split())
    found = {}
    for text in texts:
        _, there, after = body.partition(" ".join(text.split()))
        if there:
            found[text] = there + after[:_TEXT_SHOWN].partition("<")[0].rstrip()
    if not found and not response.whole:
        raise UnobservedError(
            f"the first {len(response.body)} characters of the body do not decide it"
        )
    return found


def instance_of(declared: Instance, response: Response) -> str:
    """Return the container that the response names as its sender; empty if it names none."""
    if declared.header:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return headers.get(declared.header.lower(), "")
    return field_text(_body_json(response), declared.field or "") or ""


def field_text(body: Any, name: str) -> str | None:
    """Return a field as an environment file writes it; None if there is none.

    Args:
        body: parsed JSON.
        name: the names of nested fields, joined by dots.
    """
    for part in name.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body if isinstance(body, str | None) else json.dumps(body)


def parse_json(text: str) -> Any:
    """Parse JSON with numbers of any length.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_int=_number)


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < _DIGITS_CONVERTED else digits


def _join(values: Mapping[str, str | None], names: list[str]) -> str:
    return ", ".join(f"{name}: {values[name] or 'none'}" for name in names)


def _body_json(response: Response) -> Any:
    """Parse a body; return None if it is not JSON and so has no fields.

    Raises:
        UnobservedError: too little of it was read to decide.
    """
    try:
        return parse_json(response.body)
    except (ValueError, RecursionError) as error:
        if not response.body.lstrip().startswith("{"):
            return None
        if isinstance(error, RecursionError):
            raise UnobservedError("the JSON of the body is nested too deeply to be read") from None
        if not response.whole:
            raise UnobservedError("the body is too long for its JSON to be read") from None
        return None
