"""Several Compose files with expressions as one, where Compose itself cannot merge them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackproof.environment.compose import command

if TYPE_CHECKING:
    from stackproof.environment.compose.config import ComposeRun


def read_one_by_one(
    run: "ComposeRun", variables: Mapping[str, str], program: Sequence[str]
) -> dict[str, Any]:
    """Return the files with expressions instead of values; empty if Compose rejects one of them.

    Args:
        run: the files and settings.
        variables: the environment variables of Compose.
        program: the Compose command.
    """
    joined: dict[str, Any] = {}
    for file in run.files:
        options = replace(run, files=[file], project_directory=run.folder).options()
        line = [*program, *options, "config", "--no-interpolate", "--no-consistency"]
        code, output, _ = command.run([*line, "--format=json"], variables)
        if code != 0:
            return {}
        joined = _join(joined, json.loads(output))
    return joined


def _join(first: Any, second: Any) -> Any:
    """Return two parts as one: mappings are merged, lists joined, other values replaced."""
    if isinstance(first, dict) and isinstance(second, dict):
        both = {key: _join(first[key], second[key]) for key in first.keys() & second.keys()}
        return {**first, **second, **both}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return first if second is None else second
