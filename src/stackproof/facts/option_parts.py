"""Options that are a part of a longer text, in files as well as in engines."""

import json
from collections.abc import Iterator, Mapping
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


def tmpfs_options(settings: str) -> str:
    """Return the other options of a tmpfs, such as `noexec`, in one order; `none` if none.

    Whether it is read-only is a setting of the mount.
    """
    found: set[str] = set()
    for each in filter(None, map(str.strip, settings.split(","))):
        key, equals, value = each.partition("=")
        if key not in ("size", "ro", "rw"):
            found.add(
                f"mode={value.lstrip('0') or '0'}" if key == "mode" else f"{key}{equals}{value}"
            )
    return ", ".join(sorted(found)) or "none"


def tmpfs_mode(mode: object) -> str:
    """Return the mode of a tmpfs, a number or octal digits, as one of its options."""
    if isinstance(mode, int):
        return tmpfs_options(f"mode={mode:o}") if mode else "none"
    return tmpfs_options(f"mode={mode}" if mode else "")


BLKIO_DEVICES: Mapping[str, str] = {
    "weight_device": "BlkioWeightDevice",
    "device_read_bps": "BlkioDeviceReadBps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}
"""By key of `blkio_config`: the engine's list."""


def blkio(weight: object, devices: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the limits of block devices, as files and engines list them, as options.

    Raises:
        ValueError: they are of another form.
    """
    if weight:
        yield "blkio_config.weight", normal_text("blkio_config.weight", weight)
    for key, listed in devices.items():
        if not isinstance(listed, list | tuple | None):
            raise ValueError("expected a list")  # noqa: TRY004 - the callers expect one kind
        for each in listed or ():
            lower = {str(name).lower(): value for name, value in dict(each).items()}
            name = f"blkio_config.{key}.{lower['path']}"
            yield name, normal_text(name, lower.get("weight", lower.get("rate")))
