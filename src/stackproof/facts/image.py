"""Images that a deploy needs."""

import re
from collections.abc import Iterable

from stackproof.frozen import Frozen

_DEFAULT_REGISTRY = re.compile(r"^(?:localhost/|(?:(?:index\.)?docker\.io/)?(?:library/)?)")
# Variables for which the documentation of an official image names one with `_FILE`.
_MYSQL = ("MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD")
_FROM_FILES = {
    "mariadb": (*_MYSQL, "MARIADB_PASSWORD", "MARIADB_ROOT_PASSWORD"),
    "mongo": ("MONGO_INITDB_ROOT_PASSWORD",),
    "mysql": _MYSQL,
    "postgres": ("POSTGRES_PASSWORD",),
}


class NewImage(Frozen):
    """The image of a service in the Compose file."""

    name: str
    present: bool
    """Whether the engine has it."""
    refused: str = ""
    """Why it cannot be pulled, if the engine does not have it: `manifest unknown`."""
    has_health_check: bool | None = None
    """None if the engine does not have the image."""
    replaced_size: int | None = None
    """Bytes of the image that the service runs now; None if that is unknown."""

    @property
    def available(self) -> bool:
        """Return whether a deploy can use it."""
        return self.present or not self.refused


def full_name(image: str) -> str:
    """Return the name of an image without the default registry, and with the default tag.

    Podman names an image that was built or loaded without a registry `localhost/NAME`. A digest
    decides which image it is, whatever tag is next to it.
    """
    short = _DEFAULT_REGISTRY.sub("", image) or image
    name, at, digest = short.partition("@")
    tagged = re.search(r":[^/]*$", name)
    if at:
        return f"{name[: tagged.start()] if tagged else name}@{digest}"
    return name if tagged else f"{name}:latest"


def secret_files(image: str, variables: Iterable[str]) -> list[str]:
    """Return the documented variables of an official image that name a file instead."""
    repository = re.split("[:@]", full_name(image))[0]
    return [f"{name}_FILE" for name in variables if name in _FROM_FILES.get(repository, ())]
