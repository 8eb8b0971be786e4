"""The lab's stack as production is: deployed from its checkout, and reached through a real sshd."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.wire import Wire, wired
from lab import HERE, OUT, address, stack
from lab.engine import compose
from lab.engine.daemon import docker
from lab.process import run as run_command
from lab.shapes import PRODUCTION
from tests.command_line import Ran, run
from tests.live.leftovers import leftovers
from tests.sshd import Sshd, serving_ssh

CHECKOUT = Path("/opt/vpn-enterprise")
COMPOSE_FILE = CHECKOUT / "infrastructure/docker/docker-compose.prod.yml"
_CHECKED_OUT = OUT / "production"
_UP_SECONDS = 120
RUN_SECONDS = 40
"""What no run may take, whatever befalls it. The gather itself has its own deadline."""
# At 127.0.0.1 a PostgreSQL of this machine itself, which listens there by default, would be taken
# for one that is open to everyone.
_HOST = "127.0.0.2"


@contextmanager
def deployed() -> Iterator[None]:
    """Have the containers made from the file and the checkout that production declares.

    Compose writes both on them. Without root there is no such checkout to be made.
    """
    stack.up()
    if CHECKOUT.is_symlink() and CHECKOUT.readlink() == _CHECKED_OUT:
        CHECKOUT.unlink()  # of a run that was killed
    (_CHECKED_OUT / COMPOSE_FILE.relative_to(CHECKOUT)).parent.mkdir(parents=True, exist_ok=True)
    CHECKOUT.symlink_to(_CHECKED_OUT)
    try:
        shutil.copyfile(PRODUCTION.file, COMPOSE_FILE)
        run_command(
            *compose.command(), f"--project-name={PRODUCTION.project}", f"--file={COMPOSE_FILE}",
            f"--project-directory={HERE}", "up", "--detach", "--wait", "--force-recreate",
            deadline=_UP_SECONDS, environment={**os.environ, **address.variables(PRODUCTION)},
        )  # fmt: skip
        # Two have no health check to wait for.
        docker("exec", "vpn-nginx", "curl", "-sS", "--retry", "30", "--retry-connrefused",
               "--retry-delay", "1", "http://pgadmin/misc/ping", "http://nexusai/")  # fmt: skip
        yield
    finally:
        CHECKOUT.unlink()
        stack.up()


@dataclass(frozen=True)
class Server:
    """The machine that production's variables lead to."""

    sshd: Sshd
    wire: Wire
    """The only way to it."""

    @property
    def engine(self) -> str:
        """The name of the engine in results."""
        return f"ssh://{self.sshd.user}@{self.wire.host}:{self.wire.port}"

    @property
    def variables(self) -> dict[str, str]:
        """Those of a deploy, as CI has them: production and staging are both here."""
        values = {
            "HOST": self.wire.host, "PORT": str(self.wire.port), "USER": self.sshd.user,
            "SSH_KEY": self.sshd.key, "HOST_KEY": self.sshd.host_key,
        }  # fmt: skip
        return {
            # There may be no network where this runs, and the sites are the lab's.
            "VANTAGE_CONTROL": f"127.0.0.1:{address.load().https_port}",
        } | {
            f"{environment}_DEPLOY_{name}": value
            for environment in ("PROD", "STAGING")
            for name, value in values.items()
        }

    def run(self, written: Path, environment: str, *arguments: str, **variables: str) -> Ran:
        """Verify an environment as it stands. However that goes, nothing is left behind."""
        with leftovers() as left:
            ran = run(
                written, "-m", environment, *overrides(), *arguments, deadline=RUN_SECONDS,
                variables={**self.variables, **left.variables, **variables},
            )  # fmt: skip
            assert left.none(), f"{left.processes()} {left.files()}\n{ran.output}"
        return ran


def overrides() -> tuple[str, ...]:
    """The options that lead the names of any environment to the lab."""
    lab = address.load()
    return (
        f"--ca-file={lab.ca_file}",
        f"--resolve=*:443:127.0.0.1:{lab.https_port}",
        f"--resolve=*:80:127.0.0.1:{lab.http_port}",
    )


@contextmanager
def serving(
    directory: Path,
    user: str = "",
    within: str = "",
    round_trip_s: float = 0,
    stall_after: int | None = None,
    **options: str,
) -> Iterator[Server]:
    """Be that machine until the block ends; see `serving_ssh` and `wired`."""
    with (
        serving_ssh(directory, user, within, **options) as sshd,
        wired((sshd.host, sshd.port), round_trip_s, stall_after, _HOST) as wire,
    ):
        yield Server(sshd, wire)
