"""Deploys through `scripts/gated-deploy`, with the real suite, while something impairs the gates.

    python -m tests.gated_deploys --deploys=200 --seed=1

Each deploy has a fake engine, a web server and a resolver of its own. A number decides, by chance,
whether its release is good and what impairs it. Printed are one line for each deploy, the figures,
and what must never happen: a good release that was rolled back, exit code 0 for a bad one, exit
code 1 without a verdict of no-go, a deploy that hangs.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, Literal

import yaml

from environments.model import Environment
from tests.fake_engine import FakeContainer, FakeEngine
from tests.fixtures.sites import Answer, serving

ROOT = Path(__file__).parents[1]
HANG_SECONDS = 300
"""A gate may take three minutes more than `--wait` before it is ended."""
_WAIT_SECONDS = 4

Release = Literal["good", "unhealthy", "502", "half", "not deployed"]
"""What becomes of the deploy. `half`: its command fails between two services."""
RELEASES: Sequence[Release] = ("good", "good", "good", "unhealthy", "502", "half", "not deployed")

OUTPUTS = (
    ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", ">&-", "2>&-", ">&- 2>&- <&-", "| true",
    "2>&1 | true", "| head -3", "2>&1 | head -3",
)  # fmt: skip
PROCESSES = ("--gate=pre", "--gate=post", "--gate=rollback", "stackproof watch", "result.py")
PHASES = ("at once", "deployed", "judged")


@dataclass
class Deploy:
    """One deploy, and what became of it."""

    number: int
    folder: Path
    release: Release
    impairment: str
    exit_code: int | None = None
    """None where it hung."""
    seconds: float = 0.0
    states: list[str] = field(default_factory=list)
    """What the deploy and the rollback command did, oldest first."""
    verdicts: dict[str, str] = field(default_factory=dict)
    """By gate: what its verdict says."""

    @property
    def rolled_back(self) -> bool:
        return "back" in self.states

    @property
    def good(self) -> bool:
        """Whether a good release was deployed, to its end."""
        return self.release == "good" and "deployed" in self.states

    @property
    def violations(self) -> Iterator[str]:
        """What must never happen, and did."""
        good = self.good
        if self.exit_code is None:
            yield f"it took more than {HANG_SECONDS} s"
        if self.rolled_back and good:
            yield "a good release was rolled back"
        if self.rolled_back and self.states[0] != "begun":
            yield "what was never deployed was rolled back"
        if self.exit_code == 0 and not good:
            yield "exit code 0 without a good release"
        if self.exit_code == 0 and self.verdicts.get("post") != "go":
            yield "exit code 0 without a verdict of go"
        if self.exit_code == 1 and "no-go" not in self.verdicts.values():
            yield "exit code 1 without a verdict of no-go"
        if self.impairment == "none":
            right = (0, False) if good else (1, True)
            if (self.exit_code, self.rolled_back) != right:
                yield f"not impaired, and not (exit code, rolled back) {right}"


class _Stack:
    """The stack that is deployed: a state in a file, which the engine and the server go by."""

    def __init__(self, folder: Path, release: Release) -> None:
        self.folder = folder
        self._release = release

    @property
    def state(self) -> str:
        return (self.folder / "state").read_text(encoding="utf-8").strip()

    def containers(self) -> tuple[FakeContainer, ...]:
        state = self.state
        made = {"api": state in ("half", "new", "back"), "web": state in ("new", "back")}
        image = "shop/app:2" if state in ("half", "new") else "shop/app:1"
        sick = state == "new" and self._release == "unhealthy"
        number = {"half": 10, "new": 10, "back": 20}.get(state, 0)
        return (
            FakeContainer("db"),
            *(
                FakeContainer(
                    service,
                    image=image if made[service] else "shop/app:1",
                    made=number if made[service] else 0,
                    health="unhealthy" if sick and service == "api" else "healthy",
                )
                for service in ("api", "web")
            ),
        )

    def answer(self, path: str) -> Answer:
        bad = self.state == "new" and self._release == "502" and path == "/api"
        return (502 if bad else 200), {}, b"{}"


class _Engine(FakeEngine):
    def __init__(self, path: Path, stack: _Stack) -> None:
        self._stack = stack
        super().__init__(path)

    def answer(self, path: str) -> tuple[int, Any]:
        self.containers = self._stack.containers()
        return super().answer(path)


class _Resolver:
    """Answers every question with 127.0.0.1; once it lies, with "no such name"."""

    def __init__(self, address: str) -> None:
        self.lies = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._socket.settimeout(0.2)
        self._closed = Event()
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed.is_set():
            with suppress(TimeoutError, OSError):
                question, client = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5
        asked = question[12:end]
        address = asked[-4:-2] == b"\0\1" and not self.lies
        flags = 0x8583 if self.lies else 0x8580
        head = question[:2] + struct.pack(">HHHHH", flags, 1, address, 0, 0)
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 0, 4) + socket.inet_aton("127.0.0.1")
        return head + asked + (answer if address else b"")

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self._socket.close()


@cache
def _may_mount() -> bool:
    """Whether this process may mount file systems: it is root, and not in a container without."""
    probe = ("/usr/bin/unshare", "--mount", "true")
    return os.geteuid() == 0 and subprocess.run(probe, check=False).returncode == 0


_WITH_MOUNTS = ("disk full", "resolver lies")


def impairments() -> list[str]:
    """What can impair a gate here."""
    every = [
        "none", "output", "disk full", "killed", "terminated", "interrupted", "engine gone",
        "engine silent", "engine refuses", "engine cut off", "resolver lies", "memory",
    ]  # fmt: skip
    return [each for each in every if _may_mount() or each not in _WITH_MOUNTS]


def run(number: int, folder: Path, slot: int) -> Deploy:
    """Make one deploy, which follows from its number alone."""
    chance = random.Random(number)  # noqa: S311 - it is to be repeated
    deploy = Deploy(number, folder, chance.choice(RELEASES), chance.choice(impairments()))
    folder.mkdir(parents=True)
    (folder / "state").write_text("old", encoding="utf-8")
    stack = _Stack(folder, deploy.release)
    # One of its own, whatever else runs on this machine.
    resolver_address = f"127.53.{os.getpid() % 256}.{slot + 1}"
    with ExitStack() as around:
        site = around.enter_context(serving(stack.answer))
        engine = around.enter_context(_serve(folder / "engine.sock", stack))
        resolver = None
        if _may_mount():
            resolver = _Resolver(resolver_address)
            around.callback(resolver.close)
        output = folder / "out"
        output.mkdir()
        if deploy.impairment == "disk full":
            _mount(output, around)
        _write_environment(folder, engine, site.server_port, chance)
        command = _command(deploy, chance, resolver_address)
        stdout, stderr = (
            around.enter_context((folder / name).open("wb")) for name in ("stdout", "stderr")
        )
        began = time.monotonic()
        process = subprocess.Popen(
            ["/bin/bash", "-c", command], cwd=folder, env=_variables(folder),
            start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=stderr,
        )  # fmt: skip
        over = Event()
        impairing = Thread(
            target=_impair, args=(deploy, chance, process, stack, engine, resolver, over)
        )
        impairing.start()
        with suppress(subprocess.TimeoutExpired):
            deploy.exit_code = process.wait(HANG_SECONDS)
        deploy.seconds = time.monotonic() - began
        over.set()
        impairing.join()
        _end_session(process.pid)
        process.wait()
        did = folder / "did"
        deploy.states = did.read_text(encoding="utf-8").split() if did.exists() else []
        deploy.verdicts = dict(_verdicts(output / "shop"))
        if deploy.impairment == "disk full":
            shutil.copytree(output, folder / "kept", dirs_exist_ok=True)
    return deploy


@contextmanager
def _serve(path: Path, stack: _Stack) -> Iterator[_Engine]:
    with _Engine(path, stack) as engine:
        thread = Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield engine
        finally:
            engine.released.set()
            engine.shutdown()
            thread.join()


def _write_environment(folder: Path, engine: FakeEngine, port: int, chance: random.Random) -> None:
    host = "shop.test" if _may_mount() else "localhost"
    environment = {
        "engine": {"address": engine.address},
        "services": {
            service: {"healthcheck": "required", "limits": {"memory": "512M"}}
            for service in ("api", "web", "db")
        },
        "routes": {
            "home": {"url": f"http://{host}:{port}/", "service": "web"},
            "api": {"url": f"http://{host}:{port}/api", "service": "api"},
        },
    }
    if "vantage" in Environment.model_fields and chance.random() < 0.5:
        environment["vantage"] = {"control": f"http://control.test:{port}/"}
    (folder / "environments").mkdir()
    (folder / "environments" / "shop.yaml").write_text(yaml.safe_dump(environment), "utf-8")
    # Compose, for whose answers this is not about.
    composed = {
        "name": "shop",
        "services": {
            service: {
                "image": f"shop/app:{1 if service == 'db' else 2}",
                "mem_limit": str(512 * 1024**2),
                "healthcheck": {"test": ["CMD", "check"]},
            }
            for service in ("api", "web", "db")
        },
    }
    (folder / "composed.json").write_text(json.dumps(composed), encoding="utf-8")
    (folder / "compose.yaml").touch()
    programs = folder / "programs"
    programs.mkdir()
    (programs / "docker").write_text(
        f"#!/bin/sh\ncase $* in *version*) echo 2.40.3 ;; *) cat {folder}/composed.json ;; esac\n",
        encoding="utf-8",
    )
    (programs / "docker").chmod(0o755)


def _command(deploy: Deploy, chance: random.Random, resolver: str) -> str:
    """Return the shell line of the whole deploy."""
    folder = deploy.folder

    def to(state: str) -> str:
        return f"echo {state} >{folder}/new && mv {folder}/new {folder}/state"

    # It is chatty, as deploys are, and ends where it cannot print.
    steps = [f"set -e; echo begun >>{folder}/did; seq 20000"]
    if deploy.release != "not deployed":
        steps.append(f"{to('half')}; sleep {chance.uniform(0.1, 0.5):.2f}; seq 20000 >&2")
        steps.append("exit 9" if deploy.release == "half" else to("new"))
    if deploy.impairment == "disk full" and chance.random() < 0.5:
        steps.insert(1, f"head -c 4M /dev/zero >{folder}/out/fill || true")
    steps.append(f"echo deployed >>{folder}/did")
    rollback = f"echo back >>{folder}/did; {to('back')}"
    line = (
        f"{ROOT}/scripts/gated-deploy shop api,web --rollback='{rollback}' --wait={_WAIT_SECONDS} "
        f"--compose-file=compose.yaml --environments=environments --output={folder}/out "
        f"-- bash -c '{'; '.join(steps)}'"
    )
    if deploy.impairment == "output":
        line = f"set -o pipefail; {line} {chance.choice(OUTPUTS)}"
    elif deploy.impairment == "memory":
        line = f"ulimit -v {chance.randrange(100_000, 600_000)}; {line}"
    if not _may_mount():
        return line
    (folder / "line").write_text(line, encoding="utf-8")
    (folder / "resolv.conf").write_text(
        f"nameserver {resolver}\noptions timeout:1 attempts:1\n", encoding="utf-8"
    )
    return (
        f"exec unshare --mount bash -c 'mount --bind {folder}/resolv.conf /etc/resolv.conf "
        f"&& exec bash {folder}/line'"
    )


def _variables(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder}/programs:{os.environ['PATH']}",
        "HOME": str(folder),
        "STACKPROOF_VENV": sys.prefix,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _mount(output: Path, around: ExitStack) -> None:
    """Make the output a file system of its own, which is nearly full."""
    mount = ("/bin/mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(output))
    subprocess.run(mount, check=True)
    around.callback(lambda: subprocess.run(("/bin/umount", "--lazy", str(output)), check=True))


def _impair(
    deploy: Deploy,
    chance: random.Random,
    process: subprocess.Popen[bytes],
    stack: _Stack,
    engine: _Engine,
    resolver: _Resolver | None,
    over: Event,
) -> None:
    """Impair it once, at a moment that chance decides, and perhaps end that again."""
    kind = deploy.impairment
    phase, later = chance.choice(PHASES), chance.uniform(0, 2)
    target, lasts = chance.choice(PROCESSES), chance.choice((1.0, 4.0, 1000.0))
    filled = chance.randrange(256) * 1024

    def wait_for(condition: Callable[[], bool]) -> bool:
        while not over.wait(0.02):
            if condition():
                return True
        return False

    if kind in ("killed", "terminated"):
        if wait_for(lambda: bool(_processes(process.pid, target))):
            over.wait(later * 0.7)
            number = signal.SIGKILL if kind == "killed" else signal.SIGTERM
            for pid in _processes(process.pid, target):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        return
    if phase != "at once" and not wait_for(lambda: stack.state != "old"):
        return
    if phase == "judged" and not wait_for(lambda: bool(_processes(process.pid, "--gate=post"))):
        return
    if over.wait(later):
        return
    if kind == "interrupted":
        with suppress(ProcessLookupError):
            os.kill(process.pid, chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))
    elif kind == "disk full":
        with suppress(OSError):
            (deploy.folder / "out" / "filling").write_bytes(b"x" * filled)
    elif kind == "resolver lies" and resolver:
        resolver.lies = True
        over.wait(lasts)
        resolver.lies = False
    elif kind == "engine gone":
        path = Path(engine.address.removeprefix("unix://"))
        path.rename(path.with_suffix(".away"))
        engine.impaired = "cut off"
        over.wait(lasts)
        engine.impaired = None
        path.with_suffix(".away").rename(path)
    elif kind.startswith("engine "):
        engine.impaired = kind.removeprefix("engine ")  # type: ignore[assignment]
        over.wait(lasts)
        engine.impaired = None


def _processes(session: int, words: str) -> list[int]:
    """The processes of a session whose command line holds these words."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            if os.getsid(pid) != session:
                continue
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words in line and "gated-deploy" not in line and "timeout" not in line:
                found.append(pid)
    return found


def _end_session(session: int) -> None:
    for pid in _processes(session, ""):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _verdicts(folder: Path) -> Iterator[tuple[str, str]]:
    for gate in ("pre", "post", "rollback"):
        with suppress(OSError, ValueError, KeyError):
            text = (folder / f"verdict-{gate}.json").read_text(encoding="utf-8")
            yield gate, json.loads(text)["verdict"]


def run_all(first: int, deploys: int, at_once: int, folder: Path) -> list[Deploy]:
    """Make so many deploys, a few at once, and print a line for each as it ends."""
    slots = list(range(at_once))

    def one(number: int) -> Deploy:
        slot = slots.pop()
        try:
            deploy = run(number, folder / str(number), slot)
        finally:
            slots.append(slot)
        wrong = "; ".join(deploy.violations)
        states = " ".join(deploy.states) or "nothing done"
        print(
            f"{number}: {deploy.release}, {deploy.impairment}: exit code {deploy.exit_code}, "
            f"{states}, {deploy.seconds:.1f} s{f' VIOLATION: {wrong}' if wrong else ''}",
            flush=True,
        )
        return deploy

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, range(first, first + deploys)))


def figures(deploys: Sequence[Deploy]) -> Iterator[str]:
    """What came of them, by what impaired them."""
    by_kind: defaultdict[str, list[Deploy]] = defaultdict(list)
    for deploy in deploys:
        by_kind[deploy.impairment].append(deploy)
    yield "impairment       deploys  good  rolled back  seconds  exit codes"
    for kind, each in sorted(by_kind.items()):
        codes = Counter(deploy.exit_code for deploy in each)
        told = ", ".join(f"{code}: {number}" for code, number in sorted(codes.items(), key=str))
        yield (
            f"{kind:<16}{len(each):>8}{sum(deploy.release == 'good' for deploy in each):>6}"
            f"{sum(deploy.rolled_back for deploy in each):>13}"
            f"{median(deploy.seconds for deploy in each):>9.1f}  {told}"
        )
    good = [deploy for deploy in deploys if deploy.good]
    yield (
        f"{len(deploys)} deploys, {len(good)} good releases deployed, "
        f"{sum(each.rolled_back for each in good)} of them rolled back; "
        f"{sum(each.exit_code == 0 and not each.good for each in deploys)} with exit code 0 and no "
        f"good release; {sum(each.exit_code is None for each in deploys)} hung; "
        f"{sum(bool(list(each.violations)) for each in deploys)} with a violation; "
        f"longest {max(each.seconds for each in deploys):.1f} s"
    )


def main() -> int:
    """Run them; return 1 if anything happened that must never happen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deploys", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="the number of the first deploy")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep everything that was written here")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="gated-deploys-"))
    done = run_all(given.seed, given.deploys, given.at_once, folder)
    for line in figures(done):
        print(line)
    wrong = any(list(deploy.violations) for deploy in done)
    if not (wrong or given.folder):
        shutil.rmtree(folder)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
