"""Other engines than the lab's, each with networks, data and sockets of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import trustme

from lab.engine import compose, packages
from lab.process import LabError, run
from tests.command_line import Ran
from tests.command_line import run as run_pytest
from tests.live.engines.packages import unpack_docker

STACK = Path(__file__).parent / "stack"
TLS_ADDRESS = "tcp://127.0.0.1:2376"
IMAGES = ("nginx", "web", "api", "redis", "postgres")
_POSTGRES_IS_UP = (
    "until pg_isready -q -h 127.0.0.1 -U platform_admin -d platform_db; do sleep 0.1; done"
)
_RELOAD = """
old=$(pgrep -P 1) && kill -HUP 1
until [ -n "$(pgrep -P 1)" ] && ! kill -0 $old; do sleep 0.05; done 2>/dev/null
"""
_START_SECONDS = 30
_STOP_SECONDS = 20
_COMPOSE_SECONDS = 120
_NAMESPACES = ("unshare", "--net", "--mount", "sh", "-c")
# The data is in memory: images are many files. All engines of a machine share Podman's locks in
# /dev/shm. Both mounts end with the namespace.
_WITH_DATA = """
mount -t tmpfs -o size=6g,mode=711 engines "$0" && mount -t tmpfs engines /dev/shm && exec "$@"
"""
# Starts a program once the loopback interface of the network namespace is up.
_WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
request = struct.pack("16sh14x", b"lo", 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, request)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_PODMAN = """\
[containers]
# The defaults are more than a restricted machine allows.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
"""


class UnavailableError(Exception):
    """An engine is not available on this machine."""


_WITH_HEALTH_CHECKS = ("engines-nginx", "engines-api")


@dataclass(frozen=True)
class OtherEngine:
    """A running engine, and a small stack on it."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    health_check: Sequence[str] = ()
    """A command that runs the health check of a container, if the engine runs none by itself."""

    @property
    def address(self) -> str:
        return f"unix://{self.folder / 'engine.sock'}"

    @property
    def stack(self) -> Path:
        """The copy of the stack's files, which faults may change."""
        return self.folder / "stack"

    @property
    def within(self) -> tuple[str, ...]:
        """The command that executes its arguments in the engine's network namespace."""
        return ("nsenter", f"--net=/proc/{self.process.pid}/ns/net")

    def docker(self, *arguments: str, deadline: float = 30) -> str:
        """Run a command of the Docker client on this engine."""
        return run("docker", f"--host={self.address}", *arguments, deadline=deadline)

    def load_images(self) -> None:
        """Copy the images of the lab's engine."""
        images = " ".join(f"stackproof-lab/{name}:1" for name in IMAGES)
        load = f"docker save {images} | docker --host={self.address} load"
        run("sh", "-c", load, deadline=120)

    def up(self, **variables: str) -> None:
        """Start what is missing in the stack, and replace what differs from its Compose file."""
        self._compose("up", "--detach", variables=variables)
        self.docker("exec", "engines-postgres", "timeout", "30", "sh", "-c", _POSTGRES_IS_UP)
        self.reload()
        if not self.health_check:
            self._wait_for_health_checks()

    def _wait_for_health_checks(self) -> None:
        """Wait until the first health checks have run: the engine starts them itself."""
        ends = time.monotonic() + 60
        form = "{{.State.Health.Status}}"
        while "starting" in self.docker("inspect", f"--format={form}", *_WITH_HEALTH_CHECKS):
            assert time.monotonic() < ends
            time.sleep(0.1)

    def reload(self) -> None:
        """Have nginx load its configuration, resolve the names in it, and end its old workers."""
        self.docker("exec", "engines-nginx", "timeout", "30", "sh", "-c", _RELOAD)
        self.run_health_checks()

    def down(self) -> None:
        self._compose("down", "--volumes", "--timeout=1")

    def run_health_checks(self) -> None:
        if self.health_check:
            for name in _WITH_HEALTH_CHECKS:
                with suppress(LabError):  # an unhealthy one
                    run(*self.health_check, name, deadline=20)

    def check(
        self,
        written: Path,
        *selection: str,
        within: Sequence[str] | None = None,
        environment: str = "engines",
        **variables: str,
    ) -> Ran:
        """Verify the stack, by default from the namespace in which its networks are."""
        return run_pytest(
            written, "-m", " and ".join([environment, *selection]),
            f"--environments={self.stack / 'environments'}", "--confirm=2",
            within=within if within is not None else self.within,
            variables={"DOCKER_HOST": self.address, **variables},
        )  # fmt: skip

    def _compose(
        self, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        run(
            *compose.command(), f"--project-directory={self.stack}", *arguments,
            deadline=_COMPOSE_SECONDS,
            environment={**os.environ, "DOCKER_HOST": self.address, **variables},
        )  # fmt: skip


@contextmanager
def docker(folder: Path) -> Iterator[OtherEngine]:
    """Run Docker of another release, which listens at a port with TLS too."""
    try:
        programs = unpack_docker(folder)
    except LabError as error:
        raise UnavailableError(str(error)) from None
    (folder / "daemon.json").write_text("{}")
    certificates = _write_certificates(folder / "certificates")
    command = [
        "dockerd", f"--config-file={folder / 'daemon.json'}", f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}", f"--pidfile={folder / 'pid'}",
        f"--host=unix://{folder / 'engine.sock'}", f"--host={TLS_ADDRESS}",
        "--tlsverify", f"--tlscacert={certificates / 'ca.pem'}",
        f"--tlscert={certificates / 'server.pem'}", f"--tlskey={certificates / 'server-key.pem'}",
    ]  # fmt: skip
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    with _running("docker", folder, command, variables) as engine:
        yield engine


def _write_certificates(directory: Path) -> Path:
    """Write those of the server, and those of a client as `DOCKER_CERT_PATH` expects them."""
    directory.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    for name, prefix in (("127.0.0.1", "server"), ("client", "")):
        issued = authority.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(directory / f"{prefix or 'cert'}.pem")
        key = f"{prefix}-key.pem" if prefix else "key.pem"
        issued.private_key_pem.write_to_path(directory / key)
    return directory


@contextmanager
def podman(folder: Path) -> Iterator[OtherEngine]:
    """Run Podman's service. Without systemd it runs no health checks."""
    try:
        packages.ensure("podman", "podman", "netavark", "aardvark-dns", "runc", "iptables")
    except LabError as error:
        raise UnavailableError(str(error)) from None
    configuration = folder / "containers.conf"
    configuration.write_text(_PODMAN)
    command = [
        "podman", f"--root={folder / 'data'}", f"--runroot={folder / 'run'}",
        f"--tmpdir={folder / 'tmp'}", f"--network-config-dir={folder / 'networks'}",
    ]  # fmt: skip
    service = [*command, "system", "service", "--time=0", f"unix://{folder / 'engine.sock'}"]
    variables = {**os.environ, "CONTAINERS_CONF": str(configuration)}
    with _running("podman", folder, service, variables) as engine:
        checking = [
            "nsenter", f"--mount=/proc/{engine.process.pid}/ns/mnt", *engine.within[1:],
            "env", f"CONTAINERS_CONF={configuration}", *command, "healthcheck", "run",
        ]  # fmt: skip
        yield OtherEngine(engine.name, folder, engine.process, checking)


@contextmanager
def _running(
    name: str, folder: Path, command: Sequence[str], variables: Mapping[str, str]
) -> Iterator[OtherEngine]:
    """Run an engine until the block ends, with namespaces that end with it."""
    shutil.copytree(STACK, folder / "stack")
    (folder / "stack/postgres_password").write_text("d0c6b7f4e1\n")
    (folder / "stack/postgres_password").chmod(0o600)
    data = folder / "data"
    data.mkdir()
    with_loopback = [sys.executable, "-c", _WITH_LOOPBACK, *command]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*_NAMESPACES, _WITH_DATA, str(data), *with_loopback],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables,
            start_new_session=True,
        )  # fmt: skip
    engine = OtherEngine(name, folder, process)
    try:
        _await_start(engine)
        yield engine
        engine.down()
    finally:
        namespace = _mount_namespace(process.pid) if process.poll() is None else 0
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Podman's monitors of executed commands stay for five minutes.
        for pid in _processes_in(namespace):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _mount_namespace(pid: int) -> int:
    return Path(f"/proc/{pid}/ns/mnt").stat().st_ino


def _processes_in(namespace: int) -> list[int]:
    """Return the processes in a mount namespace that is not this process's own."""
    found: list[int] = []
    if namespace in (0, _mount_namespace(os.getpid())):
        return found
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if _mount_namespace(int(process.name)) == namespace:
                found.append(int(process.name))
    return found


def _await_start(engine: OtherEngine) -> None:
    ends = time.monotonic() + _START_SECONDS
    while True:
        try:
            engine.docker("version", deadline=5)
        except LabError as error:
            if engine.process.poll() is not None or time.monotonic() > ends:
                log = (engine.folder / "log").read_text(errors="replace").strip()
                last = log.rpartition("\n")[2]
                raise UnavailableError(f"{engine.name} did not start: {error}; {last}") from None
            time.sleep(0.1)
        else:
            return
