"""Options of a container, from the engine's inspect. What it does not have is left out."""

import json
from collections.abc import Iterable, Iterator

from stackproof.engine.answer import UNLIMITED, Answer
from stackproof.facts.option_parts import (
    BLKIO_DEVICES,
    blkio,
    seccomp_profile,
    tmpfs_mode,
    tmpfs_options,
    tmpfs_size,
)
from stackproof.facts.options import (
    OPTIONS,
    Option,
    OptionValue,
    normal_text,
)


def parse_options(raw: Answer) -> dict[str, OptionValue]:
    """Parse the JSON of `GET /containers/{id}/json`.

    Raises:
        UnobservedError: it is not as expected.
    """
    texts = {**_plain(raw, OPTIONS), **dict(_composed(raw))}
    return {name: OptionValue.of(name, text) for name, text in texts.items()}


def health_check_options(raw: Answer) -> dict[str, OptionValue]:
    """Parse those of the health check in the JSON of a container or an image.

    Raises:
        UnobservedError: it is not as expected.
    """
    found = _plain(raw, (each for each in OPTIONS if each.group == "health check"))
    return {name: OptionValue.of(name, text) for name, text in found.items()}


def process_options_of_image(raw: Answer) -> dict[str, OptionValue]:
    """Parse those of its process in the JSON of an image.

    Raises:
        UnobservedError: it is not as expected.
    """
    of_image = ("stop_signal", "working_dir")
    found = _plain(raw, (each for each in OPTIONS if each.name in of_image))
    return {name: OptionValue.of(name, text) for name, text in found.items()}


def _plain(raw: Answer, chosen: Iterable[Option]) -> dict[str, str]:
    """Return the options that are simply a value."""
    texts: dict[str, str] = {}
    for each in chosen:
        if each.engine:
            found = raw.at(*each.engine)
            try:
                texts.update(each.texts(found.value))
            except (ValueError, TypeError, OverflowError):
                raise found.unexpected() from None
    return texts


def _composed(raw: Answer) -> Iterator[tuple[str, str]]:
    """Yield the options that are not simply a value."""
    host = raw.at("HostConfig")
    tests = [each.text(longest=UNLIMITED) for each in raw.each("Config", "Healthcheck", "Test")]
    if not tests or tests[0] == "NONE":
        yield "healthcheck.disable", "true"
    links = [each.text() for each in host.each("Links")]
    for name, at in raw.items("NetworkSettings", "Networks"):
        links += [each.text() for each in at.each("Links")]
        for key, theirs in (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address")):
            if address := at.text("IPAMConfig", theirs, default=""):
                yield f"{key}.{name}", address
    for link in links:
        # In the default network it is `/shop-db-1:/shop-web-1/database`.
        alias = link.rpartition(":")[2].rpartition("/")[2]
        yield f"links.{alias}", "linked"
    for port, bindings in host.items("PortBindings"):
        addresses = {each.text("HostIp", default="") or "any" for each in bindings.each()}
        yield f"host_ip.{port.lower()}", ", ".join(sorted(addresses))
    for each in host.each("SecurityOpt"):
        yield from _security(each)
    yield from _blkio(host)
    yield from _mounts(raw)


def _blkio(host: Answer) -> Iterator[tuple[str, str]]:
    listed = {key: host.at(name).value for key, name in BLKIO_DEVICES.items()}
    try:
        yield from blkio(host.at("BlkioWeight").value, listed)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise host.unexpected() from None


def _mounts(raw: Answer) -> Iterator[tuple[str, str]]:
    for each in raw.each("Mounts"):
        path = each.text("Destination")
        for key, name in (("propagation", "Propagation"), ("volume_driver", "Driver")):
            if value := each.text(name, default=""):
                yield f"{key}.{path}", value
    for path, settings in raw.items("HostConfig", "Tmpfs"):
        if size := tmpfs_size(settings.text()):
            yield f"tmpfs_size.{path}", size
        # Podman adds options of its own.
        if raw.text("HostConfig", "Runtime", default="") != "oci":
            yield f"tmpfs_options.{path}", tmpfs_options(settings.text())
    for each in raw.each("HostConfig", "Mounts"):
        number = each.at("TmpfsOptions").size("SizeBytes", default=0)
        if number:
            yield f"tmpfs_size.{each.text('Target')}", normal_text("tmpfs_size.", int(number))
        if mode := each.at("TmpfsOptions").number("Mode", default=0):
            yield f"tmpfs_options.{each.text('Target')}", tmpfs_mode(mode)


def _security(raw: Answer) -> Iterator[tuple[str, str]]:
    text = raw.text(longest=UNLIMITED)
    name, _, value = text.replace("=", ":", 1).partition(":")
    if name == "seccomp" and value.startswith("{"):
        try:
            value = seccomp_profile(json.loads(value))
        except (ValueError, RecursionError):
            raise raw.unexpected() from None
    if name in ("seccomp", "apparmor"):
        yield f"security_opt.{name}", value
