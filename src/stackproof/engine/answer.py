"""Typed access to the engine's JSON. Errors name an unexpected value by its path."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from stackproof.shell import is_container_id
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

# Longer than any name, path, label or image that we keep.
_LONGEST_TEXT = 16 * 1024
UNLIMITED = 2**63
"""For texts that we do not keep as they are: the whole response has a limit anyway."""
_LARGEST_NUMBER = 2**63
# A value in Docker's responses has 20 bytes; an empty list has 3, and takes 64 once decoded.
_BYTES_OF_A_VALUE = 16
_VALUE_STARTS = (b",", b"[", b"{")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_NOTHING: Any = object()


class Answer:
    """A value in a response of the engine, with its path."""

    def __init__(self, value: Any, path: str = "") -> None:
        """Store the decoded value and its path, such as `State.StartedAt`."""
        self.value = value
        self.path = path

    def at(self, *names: str) -> "Answer":
        """Return the value under these keys; it is None if a key does not exist.

        Raises:
            UnobservedError: a value on the path is not a mapping.
        """
        value, path = self.value, self.path
        for name in names:
            if value is not None and not isinstance(value, dict):
                raise Answer(value, path).unexpected()
            value = None if value is None else value.get(name)
            path = f"{path}.{name}" if path else name
        return Answer(value, path)

    def text(self, *names: str, default: str = _NOTHING, longest: int = _LONGEST_TEXT) -> str:
        """Return a text. Like the methods below it takes keys, and a default for null.

        Raises:
            UnobservedError: it is not a text, or too long.
        """
        text: str = self._typed(names, str, default, lambda text: len(text) <= longest)
        return text

    def number(self, *names: str, default: int = _NOTHING) -> int:
        """Return a whole number."""
        holds = range(-_LARGEST_NUMBER, _LARGEST_NUMBER).__contains__
        number: int = self._typed(names, int, default, holds)
        return number

    def count(self, *names: str, default: int = _NOTHING) -> int:
        """Return a whole number of at least 0."""
        count: int = self._typed(names, int, default, range(_LARGEST_NUMBER).__contains__)
        return count

    def size(self, *names: str, default: int = _NOTHING) -> Bytes:
        """Return a number of bytes. Some engines express "no limit" as 2^64 - 1."""
        size: int = self._typed(names, int, default, range(2 * _LARGEST_NUMBER).__contains__)
        return Bytes(min(size, _LARGEST_NUMBER - 1))

    def flag(self, *names: str, default: bool = _NOTHING) -> bool:
        """Return true or false."""
        flag: bool = self._typed(names, bool, default)
        return flag

    def container_id(self, *names: str) -> str:
        """Return the ID of a container or an exec."""
        found: str = self._typed(names, str, _NOTHING, is_container_id)
        return found

    def moment(self, *names: str) -> datetime:
        """Return a point in time, in UTC."""
        found = self.at(*names)
        text = found.text()
        try:
            if _MOMENT.fullmatch(text):
                return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise found.unexpected()

    def each(self, *names: str) -> Iterator["Answer"]:
        """Return the items of a list; none for null."""
        found = self.at(*names)
        items: list[Any] = found._typed((), list, [])
        return (Answer(item, f"{found.path}[{at}]") for at, item in enumerate(items))

    def items(self, *names: str) -> Iterator[tuple[str, "Answer"]]:
        """Return the items of a mapping by key; none for null."""
        found = self.at(*names)
        items: dict[str, Any] = found._typed((), dict, {})
        return ((key, Answer(item, f"{found.path}.{key}")) for key, item in items.items())

    def unexpected(self) -> UnobservedError:
        """Return the error that names this value's path."""
        path = self.path if len(self.path) <= 100 else f"{self.path[:100]}…"
        where = f" at {path}" if path else ""
        return UnobservedError(f"unexpected value in the engine's response{where}")

    def _typed(self, names: tuple[str, ...], kind: type, default: Any, holds: Any = None) -> Any:
        found = self.at(*names)
        if found.value is None and default is not _NOTHING:
            return default
        if type(found.value) is not kind or (holds and not holds(found.value)):
            raise found.unexpected()
        return found.value


def decode(body: bytes | bytearray, limit: int) -> Answer:
    """Decode the JSON of an answer.

    Args:
        body: the whole body.
        limit: how many bytes it may have; this limits the number of its values too.

    Raises:
        UnobservedError: it is not JSON, nested too deeply, or has too many values.
    """
    if sum(map(body.count, _VALUE_STARTS)) > limit // _BYTES_OF_A_VALUE:
        raise UnobservedError("the engine's response has too many values")
    try:
        return Answer(from_json(bytes(body), allow_inf_nan=False, cache_strings="keys"))
    except ValueError as error:
        raise UnobservedError(f"the engine's response is not JSON: {error}") from None
