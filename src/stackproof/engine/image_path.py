"""The names of images in paths of the engine's API."""

import re

from stackproof.unobserved import UnobservedError

_IMAGE = re.compile(r"[A-Za-z0-9][\w.:@-]*(?:/[A-Za-z0-9][\w.:@-]*)*", re.ASCII)
_LONGEST_IMAGE = 512


def image_path(name: str) -> str:
    """Return the part of a path that names an image.

    Raises:
        UnobservedError: it is not the name of an image, and could lead to another path.
    """
    if len(name) > _LONGEST_IMAGE or not _IMAGE.fullmatch(name):
        shown = name if len(name) <= 80 else f"{name[:80]}…"
        raise UnobservedError(f"unusable image name {shown!r}")
    return name
