"""The options of a service that Compose files specify, and the variables of its containers."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from stackproof.environment.compose.service import protocol_of
from stackproof.facts.option_parts import (
    BLKIO_DEVICES,
    blkio,
    seccomp_profile,
    tmpfs_mode,
    tmpfs_options,
    tmpfs_size,
)
from stackproof.facts.options import OPTIONS, normal_text
from stackproof.files.regular_file import read_regular_file

Raw = Mapping[str, Any]
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - they are read, not bound


def options(
    raw: Raw,
    directory: Path,
    drivers: Mapping[str, str],
    unset_in: Callable[..., frozenset[str]],
) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield each option of a service: its name, its value, and the unset variables it depends on.

    Args:
        raw: the service, with names of the engine.
        directory: the project's directory, where files with profiles of seccomp are.
        drivers: the declared drivers of volumes, by their names in the engine.
        unset_in: returns the unset variables of a part of the service.
    """
    for each in OPTIONS:
        if each.engine and not (each.group == "health check" and _is_disabled(raw)):
            part: Any = raw
            for key in each.path:
                part = part.get(key) if isinstance(part, Mapping) else None
            texts = list(each.texts(part))
            if not texts and (unset := unset_in(*each.path)):
                yield each.name, "", unset
            for name, text in texts:
                item = (name.removeprefix(f"{each.name}."),) if each.is_table else ()
                yield name, text, unset_in(*each.path, *item)
    for name, text, key in _composed(raw, directory, drivers):
        yield name, text, unset_in(key)


def _composed(
    raw: Raw, directory: Path, drivers: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield the options that are not simply the value of a key, with the key that decides each."""
    if _is_disabled(raw):
        yield "healthcheck.disable", "true", "healthcheck"
    for key in ("links", "external_links"):
        for link in raw.get(key) or ():
            yield f"links.{link.rpartition(':')[2]}", "linked", key
    for name, text in _host_addresses(raw):
        yield f"host_ip.{name}", text, "ports"
    for name, text in _security(raw, directory):
        yield f"security_opt.{name}", text, "security_opt"
    for name, at in (raw.get("networks") or {}).items():
        for key in ("ipv4_address", "ipv6_address"):
            if at and at.get(key):
                yield f"{key}.{name}", at[key], "networks"
    yield from _mounts(raw, drivers)
    limits = raw.get("blkio_config") or {}
    for name, text in blkio(limits.get("weight"), {key: limits.get(key) for key in BLKIO_DEVICES}):
        yield name, text, "blkio_config"
    reserved = ((raw.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    if reserved.get("memory"):
        yield "mem_reservation", normal_text("mem_reservation", reserved["memory"]), "deploy"


def _mounts(raw: Raw, drivers: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for each in raw.get("volumes") or ():
        path = each.get("target") or ""
        if size := (each.get("tmpfs") or {}).get("size"):
            yield f"tmpfs_size.{path}", normal_text("tmpfs_size.", size), "volumes"
        if each.get("type") == "tmpfs":
            mode = tmpfs_mode((each.get("tmpfs") or {}).get("mode"))
            yield f"tmpfs_options.{path}", mode, "volumes"
        if propagation := (each.get("bind") or {}).get("propagation"):
            yield f"propagation.{path}", propagation, "volumes"
        if each.get("type") == "volume" and (driver := drivers.get(each.get("source") or "")):
            yield f"volume_driver.{path}", driver, "volumes"
    texts = raw.get("tmpfs") or ()
    for text in (texts,) if isinstance(texts, str) else texts:
        path, _, settings = text.partition(":")
        if size := tmpfs_size(settings):
            yield f"tmpfs_size.{path}", size, "tmpfs"
        yield f"tmpfs_options.{path}", tmpfs_options(settings), "tmpfs"


def _is_disabled(raw: Raw) -> bool:
    check = raw.get("healthcheck") or {}
    return bool(check.get("disable") or (check.get("test") or [""])[0] == "NONE")


def _host_addresses(raw: Raw) -> Iterator[tuple[str, str]]:
    """Yield the ports that are to be open at all IPv4 or all IPv6 addresses only."""
    addresses: dict[str, set[str]] = {}
    for port in raw.get("ports") or ():
        name = f"{port['target']}/{protocol_of(port)}"
        addresses.setdefault(name, set()).add(port.get("host_ip") or "")
    for name, given in addresses.items():
        if given & set(_EVERYWHERE) and "" not in given:
            yield name, ", ".join(sorted(given))


def _security(raw: Raw, directory: Path) -> Iterator[tuple[str, str]]:
    for each in raw.get("security_opt") or ():
        name, _, value = str(each).replace("=", ":", 1).partition(":")
        if name == "apparmor" or (name == "seccomp" and value in ("unconfined", "builtin")):
            yield name, value
        elif name == "seccomp":
            try:
                profile = json.loads(read_regular_file(directory / value))
            except (OSError, ValueError, RecursionError):
                continue  # Compose reads it where it deploys
            yield name, seccomp_profile(profile)
