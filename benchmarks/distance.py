"""The lab as a server far away: every way to it goes over a wire that takes its time."""

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
    """How the lab is verified at a distance."""

    environments: Path
    """Where the file of the environment `far` is."""
    ours: Mapping[str, str]
    """The variables that it takes."""
    usual: Mapping[str, str]
    """The variables that lead Docker's own client and curl there."""


@contextmanager
def far(lab: Address, round_trip_s: float, folder: Path) -> Iterator[Server]:
    """Be that server until the block ends; the folder is made."""
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
    """A directory with an `ssh` that uses the key: Docker's client has no option for it."""
    directory.mkdir()
    ssh = (program("ssh"), "-i", str(key), "-o", "StrictHostKeyChecking=no",
           "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")  # fmt: skip
    script = directory / "ssh"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(ssh)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return directory
