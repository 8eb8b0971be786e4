"""Types of single values. Their error messages say what was expected and never quote the value."""

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
)

from stackproof.schema.published_port import PublishedPort

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
from stackproof.schema.expected import T, expect, validator

_VERSION = re.compile(r"[0-9]{1,9}([.][0-9]{1,9}){0,9}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_BREAKS = re.compile(f"[{_CONTROL}]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:[1-9][0-9]{0,5})?")
_MOST_ENTRIES = 1000


def is_name(text: str) -> bool:
    """Return whether the text is a valid name of a container, service or environment."""
    return _NAME.fullmatch(text) is not None


def _is_url_path(text: str) -> bool:
    return text.startswith("/") and text.isprintable() and " " not in text


def _is_line(text: str) -> bool:
    return not _BREAKS.search(text)


def _is_path(text: str) -> bool:
    return text.startswith("/") and _is_line(text)


def _is_date(value: object) -> bool:
    # Pydantic reads a number as seconds since 1970.
    return not isinstance(value, str) or _DATE.fullmatch(value) is not None


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, int | str) else value


def _one_or_list(schema: "JsonSchemaValue") -> None:
    items = dict(schema)
    schema.clear()
    schema["anyOf"] = [items["items"], items]


OneOrMany = Annotated[T, BeforeValidator(_as_list), Field(json_schema_extra=_one_or_list)]
"""A list. A single value needs no list."""
Name = Annotated[
    str,
    expect("a name of letters, digits, '_', '.' and '-'", is_name, pattern=f"^{_NAME.pattern}$"),
]
Port = Annotated[
    int,
    expect("a port from 1 to 65535", lambda port: 1 <= port <= 65535, minimum=1, maximum=65535),
]
PublishedPortText = Annotated[
    str,
    expect(
        "a port such as 443, or an address and port such as 127.0.0.1:5432",
        PublishedPort.parse,
        pattern=r"^(\[[0-9A-Fa-f:.]+\]:)?([0-9A-Za-z.-]+:){0,2}(any|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?)"
        r"(/(tcp|udp|sctp))?$",
    ),
]
"""A published port. Without an address it is open on every address of the host."""
Status = Annotated[
    int,
    expect(
        "a status code from 100 to 599", lambda code: 100 <= code <= 599, minimum=100, maximum=599
    ),
]
Statuses = Annotated[
    tuple[Status, ...],
    BeforeValidator(_as_list),
    Field(min_length=1, json_schema_extra=_one_or_list),
]
"""Status codes. A single one needs no list."""
RestartPolicy = Annotated[
    str,
    expect(
        "no, always, unless-stopped, on-failure or on-failure:3",
        _RESTART.fullmatch,
        pattern=f"^({_RESTART.pattern})$",
    ),
]
SecretFile = Annotated[
    str,
    expect(
        "a name such as db_password, or a path",
        lambda t: is_name(t) or _is_path(t),
        pattern=rf"^({_NAME.pattern}|/[^{_CONTROL}]*)$",
    ),
]
"""A secret by its name, or by its path in the container."""
Ratio = Annotated[
    float,
    expect("a share such as 0.9", lambda ratio: 0 < ratio <= 1, exclusiveMinimum=0, maximum=1),
]
SingleLine = Annotated[str, expect("text on one line", _is_line, pattern=f"^[^{_CONTROL}]*$")]
"""Text without line breaks or other control characters."""
UrlPath = Annotated[
    str, expect("a path such as /health", _is_url_path, pattern=rf"^/[^\s{_CONTROL}]*$")
]
AbsolutePath = Annotated[
    str,
    expect("an absolute path such as /data", _is_path, pattern=f"^/[^{_CONTROL}]*$"),
]
RelativePath = Annotated[
    str,
    expect(
        "a path such as ./compose.yaml",
        lambda text: not text.startswith("-") and _is_line(text),
        pattern=f"^(?!-)[^{_CONTROL}]*$",
    ),
]
"""A path that may be relative. One that starts with `-` would be read as an option."""
VariableName = Annotated[
    str,
    expect(
        "a variable name such as API_KEY", _VARIABLE.fullmatch, pattern=f"^{_VARIABLE.pattern}$"
    ),
]
Day = Annotated[
    date,
    BeforeValidator(validator("a date such as 2026-01-31", _is_date)),
    Field(json_schema_extra={"pattern": f"^{_DATE.pattern}$"}),
]
Version = Annotated[
    str, expect("a version such as 20.10", _VERSION.fullmatch, pattern=f"^{_VERSION.pattern}$")
]
Table = Annotated[
    Mapping[Name, T],
    Field(max_length=_MOST_ENTRIES),
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
"""Values by name, in the order of the file. Read-only."""
Texts = Annotated[Mapping[SingleLine, str], AfterValidator(MappingProxyType), PlainSerializer(dict)]
"""Texts by name."""
HeaderName = Annotated[
    str,
    expect("a header name such as X-Served-By", _HEADER.fullmatch, pattern=f"^{_HEADER.pattern}$"),
]
Headers = Annotated[
    Mapping[HeaderName, SingleLine], AfterValidator(MappingProxyType), PlainSerializer(dict)
]
"""Header values by header name."""
