"""The names of images, also of those that an image is built from."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackproof.files.regular_file import read_regular_file

_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)


def name_of(service: Mapping[str, Any]) -> str:
    """Return the name of a service's image, without a registry, a user and a tag."""
    return _short(str(service.get("image") or ""))


def base_of(service: Mapping[str, Any]) -> str:
    """Return the name of the image that a service's own image is built from; empty if unknown."""
    build = service.get("build")
    if not isinstance(build, Mapping):
        return ""
    stages: dict[str, str] = {}
    image = ""
    for image, alias in _FROM.findall(_dockerfile(build)):
        image = stages.get(image.lower(), image)
        stages[alias.lower()] = image
    image = stages.get(str(build.get("target") or "").lower(), image)
    return "" if "$" in image else _short(image)


def _dockerfile(build: Mapping[str, Any]) -> str:
    if inline := build.get("dockerfile_inline"):
        return str(inline)
    file = Path(str(build.get("context") or ".")) / str(build.get("dockerfile") or "Dockerfile")
    try:
        return read_regular_file(file).decode()
    except (OSError, ValueError):  # it is elsewhere, or no text
        return ""


def _short(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
