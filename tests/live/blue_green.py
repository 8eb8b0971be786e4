"""Replaces the lab's api by a new container of it, as a graceful deploy does.

`python -m tests.live.blue_green`: two instances, both healthy and known to every worker of nginx;
then one.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import address, nginx_config
from lab.compose import compose
from lab.engine import docker
from lab.shapes import PRODUCTION

WAIT_SECONDS = 60
# Compose scales no service whose container has a fixed name.
_OVERRIDE = "services: {api: {container_name: !reset null}}\n"


def main() -> None:
    old = docker("ps", "--quiet", "--filter=name=^vpn-api$").strip()
    with TemporaryDirectory() as folder:
        override = Path(folder, "override.yaml")
        override.write_text(_OVERRIDE, encoding="utf-8")
        compose(
            PRODUCTION, f"--file={override}", "up", "--detach", "--no-deps", "--no-recreate",
            "--scale=api=2", "api", variables=address.variables(PRODUCTION),
        )  # fmt: skip
    service = "label=com.docker.compose.service=api"
    [new] = set(docker("ps", "--quiet", f"--filter={service}").split()) - {old}
    _until(lambda: docker("inspect", "--format={{.State.Health.Status}}", new) == "healthy\n")
    nginx_config.reload()
    # What a worker of before has accepted, it sends to the old container alone.
    _until(lambda: "shutting down" not in docker("top", nginx_config.CONTAINER))
    docker("stop", old)
    docker("rm", old)
    nginx_config.reload()


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {WAIT_SECONDS} s")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
