"""Measure a machine with many small containers: create, verify and remove them.

`.venv/bin/python -m benchmarks.crowd [--containers 200] [--runs 5]` on the engine of DOCKER_HOST,
which must have the lab's base image.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from lab.engine.daemon import docker

ROOT = Path(__file__).parents[1]
IMAGE = "stackproof-lab/base:1"
_PYTEST = str(Path(sys.executable).with_name("pytest"))
_SERVICE = """\
  {name}:
    {{image: "{image}", restart: unless-stopped, limits: {{cpus: 0.1, memory: 32M}}}}
"""


def _create(name: str) -> None:
    limits = ("--cpus=0.1", "--memory=32m", "--memory-swap=32m", "--restart=unless-stopped")
    docker("run", "--detach", "--network=none", f"--name={name}", *limits, IMAGE, "sleep", "1d")


def _verify(folder: Path) -> float:
    """Run once, and return its duration in seconds."""
    began = time.monotonic()
    run = subprocess.run(  # noqa: S603
        (_PYTEST, "-m", "crowd", f"--environments={folder}", f"--output={folder}"),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        sys.exit(run.stdout)
    return time.monotonic() - began


def main() -> None:
    """Create, verify and remove the containers, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    names = [f"crowd-{number:03}" for number in range(1, given.containers + 1)]
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(4) as pool:
        folder = Path(temporary)
        services = "".join(_SERVICE.format(name=name, image=IMAGE) for name in names)
        engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        (folder / "crowd.yaml").write_text(f"engine: {{address: {engine}}}\nservices:\n{services}")
        try:
            list(pool.map(_create, names))
            seconds = [_verify(folder) for _ in range(given.runs)]
        finally:
            list(pool.map(partial(docker, "rm", "--force"), names))
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(
        f"{len(names)} containers, {len(seconds)} runs: median {median(seconds):.2f} s, "
        f"{min(seconds):.2f} to {max(seconds):.2f} s; at most {megabytes} MB"
    )


if __name__ == "__main__":
    main()
