"""Replaces the lab's api by a new container of it, as a graceful deploy does.

`python -m tests.live.blue_green`: two instances, both healthy, both known to nginx; then one.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import address, nginx_config
from lab.compose import compose
from lab.engine import docker
from lab.shapes import PRODUCTION

HEALTHY_SECONDS = 60
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
    ends = time.monotonic() + HEALTHY_SECONDS
    while docker("inspect", "--format={{.State.Health.Status}}", new).strip() != "healthy":
        if time.monotonic() > ends:
            raise TimeoutError(f"{new} is not healthy after {HEALTHY_SECONDS} s")
        time.sleep(0.1)
    nginx_config.reload()
    docker("stop", old)
    docker("rm", old)
    nginx_config.reload()


if __name__ == "__main__":
    main()
