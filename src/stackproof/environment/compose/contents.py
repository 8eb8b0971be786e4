"""The contents of the configs and secrets of a service, as far as they are known here."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stackproof.environment.compose.config import ComposeConfig, FileVariables
from stackproof.environment.compose.service import config_paths, secret_paths
from stackproof.facts.settings import content_digest
from stackproof.files.regular_file import read_regular_file

_PATHS = {"configs": config_paths, "secrets": secret_paths}


def contents(
    compose: ComposeConfig, raw: Mapping[str, Any], defined: FileVariables | None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the path of each file of a service with a digest of its content and its origin.

    Args:
        compose: the merged files.
        raw: the service.
        defined: the variables that files of variables define; None leaves out what they decide,
            and what other files contain.
    """
    for section, paths_of in _PATHS.items():
        declared = compose.config.get(section) or {}
        for path, each in zip(paths_of(raw), raw.get(section) or (), strict=True):
            name = each["source"]
            found = _content(compose, section, name, declared.get(name) or {}, defined)
            if found:
                content, origin = found
                digest = "" if content is None else content_digest(content)
                yield path, {"digest": digest, "origin": origin}


def _content(
    compose: ComposeConfig,
    section: str,
    name: str,
    declared: Mapping[str, Any],
    defined: FileVariables | None,
) -> tuple[bytes | None, str] | None:
    """Return the content and its origin, None for a file that is not here; None if unknown."""
    used = compose.variables_in(section, name)
    if used & compose.unset or declared.get("external") or not compose.uninterpolated:
        return None
    if "content" in declared:
        content = str(declared["content"]).encode()
        if not used:
            return content, "file"
        if defined is not None:
            return content, defined.origin_of(used)
    elif defined is not None and "file" in declared:
        try:
            return read_regular_file(Path(declared["file"])), "other-file"
        except FileNotFoundError:
            return None, "other-file"
        except OSError:  # a directory, or permission denied
            return None
    elif defined is not None and declared.get("environment") in defined.values:
        return defined.values[declared["environment"]].encode(), "env-file"
    return None
