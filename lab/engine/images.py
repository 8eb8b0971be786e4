"""The images of the shapes: a Debian base, and one image per service built on it."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab import HERE, OUT
from lab.engine import packages
from lab.engine.daemon import docker
from lab.process import LabError, run, say
from lab.shapes import PRODUCTION, ImageSources, Shape

BASE = f"{PRODUCTION.project}/base:1"
SUITE = "bookworm"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def tag(service: str) -> str:
    """Return the name of the service's image."""
    return f"{PRODUCTION.project}/{service}:1"


def ensure(shape: Shape) -> None:
    """Build every image of a shape, unless all are up to date with the working copy."""
    sources = shape.sources
    # Development runs images of production.
    services = (PRODUCTION if sources is PRODUCTION.sources else shape).services
    digest, record = _digest(sources), sources.record
    built = json.loads(record.read_text()) if record.exists() else {}
    if built == {"sources": digest, "images": _present(services)}:
        return
    if BASE not in _present(services):
        _pull_or_build_base()
    say("building the images")
    for target in (sources.packages, *services):
        _build(sources, target)
    record.write_text(json.dumps({"sources": digest, "images": _present(services)}, indent=2))


def _digest(sources: ImageSources) -> str:
    digest = hashlib.sha256()
    for path in (sources.dockerfile, *sorted(sources.context.rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(HERE)} {path.stat().st_mode:o}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _present(services: Sequence[str]) -> dict[str, str]:
    """Return the image ID of each of the lab's tags. An image whose tag moved is built again."""
    rows = docker(
        "images", "--no-trunc", f"--filter=reference={PRODUCTION.project}/*",
        "--format={{.Repository}}:{{.Tag}} {{.ID}}",
    )  # fmt: skip
    present = dict(row.split() for row in rows.splitlines())
    return {name: present[name] for name in (BASE, *map(tag, services)) if name in present}


def _build(sources: ImageSources, target: str) -> None:
    proxies = [f"--build-arg={name}" for name in PROXIES if name in os.environ]
    # Every engine has the legacy builder. The host's network can reach what the host can.
    run(
        "docker", "build", "--network=host", f"--target={target}", f"--tag={tag(target)}",
        f"--build-arg=BASE={BASE}", *proxies, f"--file={sources.dockerfile}", str(sources.context),
        deadline=900, environment={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip


def _pull_or_build_base() -> None:
    image = f"debian:{SUITE}-slim"
    try:
        docker("manifest", "inspect", image, deadline=5)
    except LabError:
        _build_base()
    else:
        say(f"pulling {image}")
        docker("pull", "--quiet", image, deadline=300)
        docker("tag", image, BASE)


def _build_base() -> None:
    """Build the base from Debian packages, on a machine without access to a registry."""
    packages.install("debootstrap", "debian-archive-keyring")
    say(f"no image registry reachable: building the base from Debian's packages ({SUITE})")
    with tempfile.TemporaryDirectory(dir=OUT) as work:
        root, archive = Path(work, "root"), Path(work, "base.tar")
        run("debootstrap", "--variant=minbase", SUITE, str(root), *packages.mirror(), deadline=900)
        run(
            "tar", f"--directory={root}", "--exclude=./var/cache/apt/archives/*.deb",
            "--exclude=./var/lib/apt/lists/*", "--create", f"--file={archive}", ".", deadline=120,
        )  # fmt: skip
        docker("import", str(archive), BASE, deadline=120)
