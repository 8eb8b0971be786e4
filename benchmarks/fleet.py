"""Measure a run of many environments: each has its own file, and all of them are the lab.

`.venv/bin/python -m benchmarks.fleet [--environments 50] [--workers 2] [--runs 3]`, with the lab
up.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from lab import address

ROOT = Path(__file__).parents[1]
RUN_SECONDS = 600
_PYTEST = str(Path(sys.executable).with_name("pytest"))
_TAIL_LINES = 15


def write(folder: Path, number: int) -> list[str]:
    """Write environments that extend the lab's, and return their names."""
    shutil.copytree(ROOT / "environments", folder, dirs_exist_ok=True)
    names = [f"lab-{each:02}" for each in range(1, number + 1)]
    for name in names:
        text = f"extends: lab\nenv_file: {address.FILE}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return names


def _verify(folder: Path, names: list[str], workers: int) -> float:
    """Run once, and return its duration in seconds."""
    began = time.monotonic()
    run = subprocess.run(  # noqa: S603
        (
            _PYTEST, "-m", " or ".join(names), f"-n{workers}",
            f"--environments={folder}", f"--output={folder / 'out'}",
        ),
        cwd=ROOT, timeout=RUN_SECONDS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        sys.exit("\n".join(run.stdout.splitlines()[-_TAIL_LINES:]))
    return time.monotonic() - began


def main() -> None:
    """Verify all environments several times, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet")
    parser.add_argument("--environments", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = write(folder, given.environments)
        seconds = [_verify(folder, names, given.workers) for _ in range(given.runs)]
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(
        f"{len(names)} environments on {given.workers} workers, {len(seconds)} runs: "
        f"median {median(seconds):.1f} s, {min(seconds):.1f} to {max(seconds):.1f} s; "
        f"at most {megabytes} MB a process"
    )


if __name__ == "__main__":
    main()
