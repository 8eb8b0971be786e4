"""Environment files in a directory: their names, and inheritance by `extends`."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from stackproof.environment.document.problem import (
    InvalidEnvironment,
    Problem,
    describe,
    join_names,
    relative,
)
from stackproof.environment.document.yaml_document import Document, parse
from stackproof.printable import error_line
from stackproof.schema.values import is_name

_MOST_FILES = 10
_LONGEST_WORD = 100
_ENDINGS = (".yaml", ".yml")


def names(directory: Path) -> tuple[str, ...]:
    """Return the sorted names of the environments in a directory: its `*.yaml` files.

    Names that cannot be printed are left out: they cannot be selected either.
    """
    try:
        files = [file for file in directory.glob("*.yaml") if not file.name.startswith(".")]
    except (OSError, UnicodeEncodeError):  # the latter for surrogates, since Python 3.14
        return ()
    return tuple(sorted(file.stem for file in files if file.stem.isprintable()))


def find(name: str, directory: Path) -> Path:
    """Return the file of an environment.

    Raises:
        InvalidEnvironment: there is no such file. The message names the nearest and all others.
    """
    known = names(directory)
    if name in known:
        return directory / f"{name}.yaml"
    require_readable(directory)
    available = f"there are: {join_names(known)}" if known else "there are none"
    stem = Path(name).stem if name.endswith(_ENDINGS) else name
    near = did_you_mean(stem, known)
    if os.path.isfile(directory / f"{stem}.yml"):  # noqa: PTH113 - it refuses any text
        near = f"; rename {stem}.yml to {stem}.yaml"
    message = f"no environment {name!r} in {relative(directory)}/{near} ({available})"
    raise InvalidEnvironment(message)


def require_readable(directory: Path) -> None:
    """Refuse a directory whose files cannot be listed: it would seem to be empty.

    Raises:
        InvalidEnvironment: it cannot be listed; a directory that does not exist is none.
    """
    try:
        os.listdir(directory)  # noqa: PTH208 - it need not be sorted
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        why = error_line(error)
        raise InvalidEnvironment(f"{relative(directory)}/ cannot be read: {why}") from None


def require_usable(name: str, directory: Path) -> None:
    """Refuse a name that no expression of `-m` can hold.

    Raises:
        InvalidEnvironment: the file must be renamed.
    """
    if not is_name(name):
        raise InvalidEnvironment(
            f"{relative(directory) / name}.yaml: expected a file name of letters, digits, '_', '.' "
            "and '-' that begins with a letter or a digit"
        )


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """Return `; did you mean 'prod'?` with the nearest known word, or an empty string."""
    if len(word) > _LONGEST_WORD:
        return ""
    return "".join(f"; did you mean {near!r}?" for near in get_close_matches(word, known, 1))


def read(name: str, directory: Path) -> Document:
    """Return the data of an environment's file, merged over the files that it extends.

    Mappings are merged. A scalar or a list replaces the value of the extended file, and null
    removes it. The position of a value is where it was set last.

    Raises:
        InvalidEnvironment: a file is missing, is not YAML, repeats a key, or extends itself.
    """
    return _read(name, directory, ())


def _read(name: str, directory: Path, extending: tuple[str, ...]) -> Document:
    file = find(name, directory)
    document = parse(file)
    if "extends" not in document.data:
        return document
    base = document.data.pop("extends")
    chain = (*extending, name)
    problem = None
    if not isinstance(base, str):
        problem = f"expected the name of an environment, got {describe(base)}"
    elif len(chain) >= _MOST_FILES:
        problem = f"expected at most {_MOST_FILES} files, each extending the next"
    elif base in chain:
        problem = f"expected no cycle, got {' extends '.join((*chain, base))}"
    elif base not in (known := names(directory)):
        problem = f"no environment {describe(base)} to extend{did_you_mean(base, known)}"
    if problem:
        position = document.position(("extends",))
        raise InvalidEnvironment(str(Problem(position, ("extends",), problem)))
    extended = _read(base, directory, chain)
    return Document(
        merge(extended.data, document.data), {**extended.positions, **document.positions}
    )


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge mappings. A scalar or a list in `over` replaces a value in `base`; null removes it."""
    merged = dict(base)
    for key, value in over.items():
        current = merged.get(key)
        if value is None and key in base:
            del merged[key]
        elif isinstance(value, dict) and isinstance(current, dict):
            merged[key] = merge(current, value)
        else:
            merged[key] = value
    return merged
