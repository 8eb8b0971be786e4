"""The lab as a distant server: every connection to it has latency."""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.wire import wired
from lab.address import Address
from tests.sshd import program, serving_ssh

ROOT = Path(__file__).parents[1]
_ENVIRONMENT = """\
extends: lab
env_file: null
engine: {{address: "{engine}", key: "${{FAR_KEY}}", host_key: "{host_key}"}}
resolve: {{"*:443": "127.0.0.1:{https}", "*:80": "127.0.0.1:{http}"}}
"""


@dataclass(frozen=True)
class Server:
    """The lab at a distance, and how to verify it."""

    environments: Path
    """The directory of the environment file `far.yaml`."""
    ours: Mapping[str, str]
    """The variables of that environment."""
    usual: Mapping[str, str]
    """The variables with which Docker's client and curl connect to it."""


@contextmanager
def far(lab: Address, round_trip_s: float, folder: Path) -> Iterator[Server]:
    """Serve the lab at a distance until the block ends. Create the folder for its files."""
    folder.mkdir()
    with ExitStack() as stack:
        sshd = stack.enter_context(serving_ssh(folder, MaxStartups="100"))

        def wire(port: int) -> int:
            return stack.enter_context(wired((sshd.host, port), round_trip_s)).port

        https, http = wire(lab.https_port), wire(lab.http_port)
        engine = f"ssh://{sshd.user}@{sshd.host}:{wire(sshd.port)}"
        environments = folder / "environments"
        shutil.copytree(ROOT / "environments", environments)
        text = _ENVIRONMENT.format(engine=engine, host_key=sshd.host_key, https=https, http=http)
        (environments / "far.yaml").write_text(text, encoding="utf-8")
        path = f"{_client(folder / 'bin', sshd.key_file)}:{os.environ['PATH']}"
        yield Server(
            environments,
            ours={**lab.variables(), "FAR_KEY": sshd.key},
            usual={
                **Address(lab.ca_file, http, https).variables(),
                "DOCKER_HOST": engine,
                "PATH": path,
            },
        )


def _client(directory: Path, key: Path) -> Path:
    """Return a directory with an `ssh` that uses the key: Docker's client has no option for it."""
    directory.mkdir()
    ssh = (program("ssh"), "-i", str(key), "-o", "StrictHostKeyChecking=no",
           "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")  # fmt: skip
    script = directory / "ssh"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(ssh)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return directory
