"""The images, which both shapes share: a Debian base, and one image a service built on it."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from lab import HERE, OUT, packages
from lab.engine import docker
from lab.process import LabError, run, say
from lab.shapes import PRODUCTION

DOCKERFILE = HERE / "Dockerfile"
CONTEXT = HERE / "services"
BASE = f"{PRODUCTION.project}/base:1"
SUITE = "bookworm"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_BUILT = OUT / "images.json"


def tag(service: str) -> str:
    """Return the name of the service's image."""
    return f"{PRODUCTION.project}/{service}:1"


def ensure() -> None:
    """Have every image, built from what the working copy holds now."""
    sources = _digest()
    built = json.loads(_BUILT.read_text()) if _BUILT.exists() else {}
    if built == {"sources": sources, "images": _present()}:
        return
    if BASE not in _present():
        _make_base()
    say("building the images")
    for target in ("packages", *PRODUCTION.services):
        _build(target)
    _BUILT.write_text(json.dumps({"sources": sources, "images": _present()}, indent=2))


def _digest() -> str:
    digest = hashlib.sha256()
    for path in (DOCKERFILE, *sorted(CONTEXT.rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(HERE)} {path.stat().st_mode:o}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _present() -> dict[str, str]:
    """Return the id behind each of the lab's tags: a tag that moved is an image to build."""
    rows = docker(
        "images", "--no-trunc", f"--filter=reference={PRODUCTION.project}/*",
        "--format={{.Repository}}:{{.Tag}} {{.ID}}",
    )  # fmt: skip
    present = dict(row.split() for row in rows.splitlines())
    return {
        name: present[name] for name in (BASE, *map(tag, PRODUCTION.services)) if name in present
    }


def _build(target: str) -> None:
    proxies = [f"--build-arg={name}" for name in PROXIES if name in os.environ]
    # The legacy builder is in every engine. The host's network reaches what the host reaches.
    run(
        "docker", "build", "--network=host", f"--target={target}", f"--tag={tag(target)}",
        f"--build-arg=BASE={BASE}", *proxies, f"--file={DOCKERFILE}", str(CONTEXT),
        deadline=900, environment={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip


def _make_base() -> None:
    image = f"debian:{SUITE}-slim"
    try:
        docker("manifest", "inspect", image, deadline=5)
    except LabError:
        _bootstrap()
    else:
        say(f"pulling {image}")
        docker("pull", "--quiet", image, deadline=300)
        docker("tag", image, BASE)


def _bootstrap() -> None:
    """Make the base from Debian's packages, for a machine that no registry answers."""
    packages.install("debootstrap", "debian-archive-keyring")
    say(f"no image registry answers: making the base from Debian's packages ({SUITE})")
    with tempfile.TemporaryDirectory(dir=OUT) as work:
        root, archive = Path(work, "root"), Path(work, "base.tar")
        run("debootstrap", "--variant=minbase", SUITE, str(root), *_mirror(), deadline=900)
        run(
            "tar", f"--directory={root}", "--exclude=./var/cache/apt/archives/*.deb",
            "--exclude=./var/lib/apt/lists/*", "--create", f"--file={archive}", ".", deadline=120,
        )  # fmt: skip
        docker("import", str(archive), BASE, deadline=120)


def _mirror() -> list[str]:
    """Return the mirror that this machine's apt takes Debian from; debootstrap knows a default."""
    rows = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)",
        "Created-By: Packages", deadline=30,
    )  # fmt: skip
    for row in rows.splitlines():
        uri, _, origin = row.partition(" ")
        if origin == "Debian Debian" and uri.startswith("http"):
            return [uri]
    return []
