"""A run takes little memory and time whatever an engine sends, and says which resource it lacks."""

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest

from tests.command_line import ROOT, Ran, run
from tests.engine.fake_engine import EXEC, Answer, fake_engine, inspected, listed, of_json

MEMORY_MIB = 200
# What a run takes at most, and as much again on a machine that does ten things at once.
RUN_SECONDS = 30
SERVICES = [f"s{number}" for number in range(32)]
PEAK = """
import atexit, os, re

def keep():
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
    open(os.environ["PEAK_FILE"], "w").write(peak)

atexit.register(keep)
"""


def _declare(folder: Path, address: str) -> str:
    environment = {
        "engine": {"address": address},
        "services": {name: {"max_restarts": 0} for name in SERVICES},
        "datastores": {"redis": {"s0": {}}},
        "nginx": {"service": "s1"},
        "host": {"clock_skew": 2},
    }
    (folder / "shop.yaml").write_text(json.dumps(environment), encoding="utf-8")
    return f"--environments={folder}"


def _engine(hostile: str, answer: Callable[[], Answer]) -> Callable[[str], Answer]:
    """One that answers as it should, but for paths that hold a pattern."""
    ids = {f"{number:064x}": name for number, name in enumerate(SERVICES)}
    answers = {
        "/version": {"ApiVersion": "1.41"},
        "/containers/json": [listed(name, Id=each) for each, name in ids.items()],
        "/networks": [],
        "/exec": {"Id": EXEC, "ExitCode": 0},
        "/info": {
            "ServerVersion": "28.0.0", "NCPU": 2, "MemTotal": 10**9, "Name": "there",
            "DockerRootDir": "/var/lib/docker", "SystemTime": "2026-01-01T00:00:00Z",
        },
    }  # fmt: skip

    def by_path(path: str) -> Answer:
        if re.search(hostile, path):
            return answer()
        for each, name in ids.items():
            if f"/{each}/json" in path:
                return of_json(inspected(name, Id=each))
        return next((of_json(value) for part, value in answers.items() if part in path),
                    (404, {}, b'{"message": "no such thing"}'))  # fmt: skip

    return by_path


def _run(
    tmp_path: Path, hostile: str, answer: Callable[[], Answer], *arguments: str
) -> tuple[Ran, int]:
    """A run, and the MiB of memory that it took at most."""
    (tmp_path / "peak.py").write_text(PEAK)
    variables = {"PYTHONPATH": str(tmp_path), "PEAK_FILE": str(tmp_path / "peak")}
    with fake_engine(tmp_path, _engine(hostile, answer)) as server:
        ran = run(
            tmp_path / "out", "-m", "shop", _declare(tmp_path, server.address), "-p", "peak",
            *arguments, variables=variables, deadline=RUN_SECONDS,
        )  # fmt: skip
    assert "Traceback" not in ran.output + ran.errors
    return ran, int((tmp_path / "peak").read_text()) >> 10


EVERYTHING = "^"
LIST = "/containers/json"
EACH = "/containers/[0-9a-f]{64}/json"
FACES = b'{"Name": "' + "\U0001f600".encode() * 1000 + b"x" * 300_000 + b'"}'
BODIES: Mapping[str, tuple[dict[str, str], Callable[[], bytes | Iterator[bytes]]]] = {
    "endless": ({}, partial(repeat, b"[[]," * 4096)),
    "tiny chunks": ({"Transfer-Encoding": "chunked"}, partial(repeat, b"1\r\nx\r\n" * 10_000)),
    "wide characters": ({}, lambda: FACES),
    "many values": ({}, lambda: b"[" + b"[]," * 32_000 + b"1]"),
    "deep": ({}, lambda: b"[" * 300_000),
    "silent": ({}, partial(iter, lambda: _silence(), b"")),
}


def _silence() -> bytes:
    from time import sleep

    sleep(0.2)
    return b" "


@pytest.mark.parametrize(
    ("hostile", "body"),
    [
        *((EVERYTHING, body) for body in BODIES),
        (LIST, "endless"),
        (LIST, "many values"),
        (EACH, "wide characters"),
        (EACH, "deep"),
    ],
)
def test_what_an_engine_sends_costs_little(hostile: str, body: str, tmp_path: Path) -> None:
    headers, parts = BODIES[body]
    ran, mib = _run(tmp_path, hostile, lambda: (200, headers, parts()))
    assert ran.exit_code in (1, 6), ran.output
    assert mib < MEMORY_MIB
    found = {check["id"]: check["outcome"] for check in ran.verdict("shop")["checks"]}
    assert found["containers.running[s2]"] == "UNKNOWN"


def test_one_container_of_the_wrong_form(tmp_path: Path) -> None:
    """It costs the checks of that container, and one line."""
    state = inspected("s5")["State"] | {"StartedAt": "9" * 29}
    raw = inspected("s5", Id=f"{5:064x}", State=state)
    ran, _ = _run(tmp_path, f"{5:064x}/json", lambda: of_json(raw), "-k", "running or restarts")
    found = {check["id"]: check["headline"] for check in ran.verdict("shop")["checks"]}
    unknown = {
        name: said for name, said in found.items() if said.startswith("could not be evaluated")
    }
    said = "could not be evaluated: unexpected value in the engine's response at State.StartedAt"
    assert unknown == {
        "containers.running[s5]": said,
        "containers.restarts[s5]": said,
    }
    assert ran.verdict("shop")["counts"]["PASS"] > len(SERVICES)
    assert ran.output.count("State.StartedAt") <= 3  # each of the two, and what they come to


@pytest.mark.parametrize(
    ("limit", "to", "said"),
    [
        (resource.RLIMIT_AS, 300 << 20, "may have 300 MiB of memory (ulimit -v), and needs "),
        (resource.RLIMIT_AS, 200 << 20, "may have 200 MiB of memory (ulimit -v), and needs "),
        (resource.RLIMIT_AS, 120 << 20, "may have 120 MiB of memory (ulimit -v), and needs "),
        (resource.RLIMIT_NOFILE, 20, "may have 20 open files (ulimit -n), and needs 128"),
    ],
)
def test_a_process_with_too_few_resources(limit: int, to: int, said: str, tmp_path: Path) -> None:
    with fake_engine(tmp_path, _engine("never", lambda: (200, {}, b""))) as server:
        done = _limited(tmp_path, limit, to, _declare(tmp_path, server.address))
    assert done.returncode == 6, done.stdout
    assert "Traceback" not in done.stdout
    verdict = json.loads((tmp_path / "out" / "shop" / "verdict.json").read_text())
    headlines = {check["headline"] for check in verdict["checks"]}
    assert len(headlines) == 1
    assert f"could not be evaluated: this process {said}" in headlines.pop()
    assert verdict["counts"]["UNKNOWN"] == len(verdict["checks"])


def test_a_process_that_cannot_load_its_libraries(tmp_path: Path) -> None:
    done = _limited(tmp_path, resource.RLIMIT_AS, 60 << 20, f"--environments={tmp_path}")
    assert done.returncode == 6, done.stdout
    assert done.stdout == (
        "ERROR: this process may have 60 MiB of memory (ulimit -v), and needs 96 to start; "
        "nothing was verified\n"
    )


def _limited(
    tmp_path: Path, limit: int, to: int, environments: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable, "-m", "pytest", "-m", "shop", environments,
            f"--output={tmp_path / 'out'}",
        ],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=RUN_SECONDS, preexec_fn=lambda: resource.setrlimit(limit, (to, to)),
    )  # fmt: skip


def test_a_failed_gather_is_remembered(tmp_path: Path) -> None:
    """It is tried once, and every check says the same."""
    (tmp_path / "broken.py").write_text(
        "from pathlib import Path\n"
        "from stackproof.fixtures.session.facts import store\n"
        "tried = []\n"
        "def gather(*_):\n"
        "    tried.append(1)\n"
        "    Path('%s').write_text(str(len(tried)))\n"
        "    raise KeyError('of ours\\nand a second line')\n"
        "store.gather = gather\n" % (tmp_path / "tried")
    )
    with suppress(FileNotFoundError):
        ran = run(
            tmp_path / "out", "-m", "shop", _declare(tmp_path, "unix:///none.sock"),
            "-p", "broken", variables={"PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
    assert ran.exit_code == 6, ran.output
    assert "Traceback" not in ran.output
    headlines = {check["headline"] for check in ran.verdict("shop")["checks"]}
    assert headlines == {"could not be evaluated: KeyError: 'of ours\\nand a second line'"}
    assert (tmp_path / "tried").read_text() == "1"
