"""Options that are a part of a longer text, in files as well as in engines."""

import json
from hashlib import sha256

from stackproof.facts.options import normal_text


def seccomp_profile(profile: object) -> str:
    """Return a text for the content of a seccomp profile."""
    text = json.dumps(profile, sort_keys=True)
    return f"profile {sha256(text.encode(errors='replace')).hexdigest()[:8]}"


def tmpfs_size(settings: str) -> str:
    """Return the size in the options of a tmpfs, such as `size=64m,mode=755`; empty if none."""
    for each in settings.split(","):
        key, _, value = each.partition("=")
        if key == "size":
            try:
                return normal_text("tmpfs_size.", value)
            except ValueError:  # a share of the memory
                return ""
    return ""
