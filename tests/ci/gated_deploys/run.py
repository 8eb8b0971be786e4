"""Runs deploys through `scripts/gated-deploy` with the real suites and a fake stack."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

import yaml

from stackproof.environment.model import Environment
from tests.ci.gated_deploys.deploy import HANG_SECONDS, RELEASES, ImpairedDeploy
from tests.ci.gated_deploys.impairments import end_session, impair, impairments, may_mount
from tests.ci.gated_deploys.stack import Engine, Resolver, Stack
from tests.command_line import ROOT
from tests.engine.fake_engine import fake_engine
from tests.probes.http.sites import serving

_WAIT_SECONDS = 4

OUTPUTS = (
    ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", ">&-", "2>&-", ">&- 2>&- <&-", "| true",
    "2>&1 | true", "| head -3", "2>&1 | head -3",
)  # fmt: skip


def run(number: int, folder: Path, slot: int) -> ImpairedDeploy:
    """Run the deploy with this number, which determines all of it."""
    chance = random.Random(number)  # noqa: S311 - it is to be repeated
    deploy = ImpairedDeploy(number, folder, chance.choice(RELEASES), chance.choice(impairments()))
    folder.mkdir(parents=True)
    (folder / "state").write_text("old", encoding="utf-8")
    stack = Stack(folder, deploy.release)
    # Its own address, whatever else runs on this machine.
    resolver_address = f"127.53.{os.getpid() % 256}.{slot + 1}"
    with ExitStack() as around:
        site = around.enter_context(serving(stack.answer))
        engine = Engine(stack, folder / "engine.sock")
        around.enter_context(fake_engine(engine.socket, engine))
        resolver = None
        if may_mount():
            resolver = Resolver(resolver_address)
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
            target=impair, args=(deploy, chance, process, stack, engine, resolver, over)
        )
        impairing.start()
        with suppress(subprocess.TimeoutExpired):
            deploy.exit_code = process.wait(HANG_SECONDS)
        deploy.seconds = time.monotonic() - began
        over.set()
        impairing.join()
        end_session(process.pid)
        process.wait()
        did = folder / "did"
        deploy.states = did.read_text(encoding="utf-8").split() if did.exists() else []
        deploy.verdicts = dict(_verdicts(output / "shop"))
        if deploy.impairment == "disk full":
            shutil.copytree(output, folder / "kept", dirs_exist_ok=True)
    return deploy


def _write_environment(folder: Path, engine: Engine, port: int, chance: random.Random) -> None:
    host = "shop.test" if may_mount() else "localhost"
    environment = {
        "engine": {"address": f"unix://{engine.socket}"},
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
    # A fake of Compose, which is not tested here.
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


def _command(deploy: ImpairedDeploy, chance: random.Random, resolver: str) -> str:
    """Return the shell line that runs `gated-deploy`."""
    folder = deploy.folder

    def to(state: str) -> str:
        return f"echo {state} >{folder}/new && mv {folder}/new {folder}/state"

    # It prints a lot, as deploys do, and ends if it cannot print.
    steps = [f"set -e; echo started >>{folder}/did; seq 20000"]
    if deploy.release != "not deployed":
        steps.append(f"{to('half')}; sleep {chance.uniform(0.1, 0.5):.2f}; seq 20000 >&2")
        steps.append("exit 9" if deploy.release == "half" else to("new"))
    if deploy.impairment == "disk full" and chance.random() < 0.5:
        steps.insert(1, f"head -c 4M /dev/zero >{folder}/out/fill || true")
    steps.append(f"echo deployed >>{folder}/did")
    rollback = f"echo rolled-back >>{folder}/did; {to('rolled-back')}"
    line = (
        f"{ROOT}/scripts/gated-deploy shop api,web --rollback='{rollback}' --wait={_WAIT_SECONDS} "
        f"--compose-file=compose.yaml --environments=environments --output={folder}/out "
        f"-- bash -c '{'; '.join(steps)}'"
    )
    if deploy.impairment == "output":
        line = f"set -o pipefail; {line} {chance.choice(OUTPUTS)}"
    elif deploy.impairment == "memory":
        line = f"ulimit -v {chance.randrange(100_000, 600_000)}; {line}"
    if not may_mount():
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
    }


def _mount(output: Path, around: ExitStack) -> None:
    """Mount a file system on the output directory that is nearly full."""
    mount = ("/bin/mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(output))
    subprocess.run(mount, check=True)
    around.callback(lambda: subprocess.run(("/bin/umount", "--lazy", str(output)), check=True))


def _verdicts(folder: Path) -> Iterator[tuple[str, str]]:
    for gate in ("pre", "post", "rollback"):
        with suppress(OSError, ValueError, KeyError):
            text = (folder / f"verdict-{gate}.json").read_text(encoding="utf-8")
            yield gate, json.loads(text)["verdict"]


def run_all(numbers: Sequence[int], at_once: int, folder: Path) -> list[ImpairedDeploy]:
    """Run deploys, a few at a time, and print a line for each when it ends."""
    slots = list(range(at_once))

    def one(number: int) -> ImpairedDeploy:
        slot = slots.pop()
        try:
            deploy = run(number, folder / str(number), slot)
        finally:
            slots.append(slot)
        violations = "; ".join(deploy.violations)
        states = " ".join(deploy.states) or "no step"
        print(
            f"{number}: {deploy.release}, {deploy.impairment}: exit code {deploy.exit_code}, "
            f"{states}, {deploy.seconds:.1f} s{f' VIOLATION: {violations}' if violations else ''}",
            flush=True,
        )
        return deploy

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, numbers))
