"""The nginx configuration: a copy on the host, which the container mounts."""

import time
from pathlib import Path

from lab import HERE, OUT, certificates, secret_files
from lab.engine.daemon import docker
from lab.process import LabError

CONTAINER = "vpn-nginx"
DIRECTORY = OUT / "nginx"
"""Mounted as /etc/nginx, so that faults edit the copy and not the repository."""
_TEMPLATES = HERE / "nginx"
_LOADED = OUT / "nginx.loaded"


def render() -> bool:
    """Write every file of the copy; return whether one was missing or different."""
    wanted = {
        path.relative_to(_TEMPLATES): path.read_bytes()
        for path in _TEMPLATES.rglob("*")
        if path.is_file()
    }
    for host in certificates.HOSTS:
        for path in certificates.files(host):
            wanted[path.relative_to(certificates.DIRECTORY.parent)] = path.read_bytes()
    # In place: a container keeps a deleted directory mounted, not the one that replaced it.
    present = {path.relative_to(DIRECTORY) for path in DIRECTORY.rglob("*") if not path.is_dir()}
    for name in present - wanted.keys():
        (DIRECTORY / name).unlink()
    changed = bool(present - wanted.keys())
    for name, content in wanted.items():
        path = DIRECTORY / name
        if name not in present or path.read_bytes() != content:
            _write(path, content)
            changed = True
    return changed


def _write(path: Path, content: bytes) -> None:
    if path.suffix == ".key":
        secret_files.write(path, content)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def newest_file() -> float:
    """Return when a file of the copy was last changed, in seconds since the epoch."""
    return max(
        max(path.stat().st_mtime, path.stat().st_ctime)
        for path in DIRECTORY.rglob("*")
        if path.is_file()
    )


def last_reload() -> float:
    """Return when the lab last reloaded nginx, in seconds since the epoch."""
    return _LOADED.stat().st_mtime if _LOADED.exists() else 0.0


def reload(deadline: float = 10) -> None:
    """Reload nginx, with the addresses of its upstreams; wait until it has new workers."""
    docker("exec", CONTAINER, "nginx", "-t", "-q")
    before = _workers()
    docker("exec", CONTAINER, "nginx", "-s", "reload")
    give_up = time.monotonic() + deadline
    while not (now := _workers()) or now & before:
        if time.monotonic() > give_up:
            raise LabError(f"{CONTAINER} did not start new workers within {deadline:g} s")
    _LOADED.touch()


def await_old_workers(deadline: float = 60) -> None:
    """Wait until the previous workers have finished their requests."""
    give_up = time.monotonic() + deadline
    while any(row.endswith("is shutting down") for row in _processes()):
        if time.monotonic() > give_up:
            raise LabError(f"{CONTAINER} still has old workers after {deadline:g} s")
        time.sleep(0.1)


def _workers() -> set[str]:
    """Return the process IDs of the workers that accept connections."""
    return {row.split()[0] for row in _processes() if row.endswith("nginx: worker process")}


def _processes() -> list[str]:
    return docker("top", CONTAINER, "-eo", "pid,args").splitlines()[1:]
