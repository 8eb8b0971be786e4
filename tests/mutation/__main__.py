"""Mutate the rules at random places, and count how many mutants the tests detect.

    scripts/mutation [--count=300] [--seed=1] [--only=PATH] [--not=PATH] [--results=FILE]

Each mutant is one change in a copy of this checkout. The tests of the changed file run until the
first one fails. What survived is printed as a diff. With the same results file, a run that was
stopped goes on.
"""

import argparse
import difflib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.command_line import ROOT
from tests.mutation import targets
from tests.mutation.operators import operators

# Not the plugins of pytest, which it imports itself to rewrite them.
_LIBRARIES = ("_pytest.pytester", "cryptography.x509", "docker", "httpx", "pydantic", "yaml")
_DEADLINE = 900
_PYTEST = ("-c", "tests/pytest.ini", "-qx", "--tb=no")
_CPU_SECONDS = 300
"""For the tests of one mutant, which may loop."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    path: str
    operator: str
    occurrence: int


def mutants(path: str) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    nodes = list(ast_nodes(get_ast((ROOT / path).read_text(encoding="utf-8"))))
    for name, operator in operators().items():
        count = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        for occurrence in range(count):
            yield Mutant(path, name, occurrence)


def sample(only: str, left_out: str, count: int, seed: int) -> list[Mutant]:
    """Return some mutants of all files, by chance; the same ones for the same seed."""
    paths = [
        each for each in targets.files() if fnmatch(each, only) and not fnmatch(each, left_out)
    ]
    every = [each for path in paths for each in mutants(path)]
    chosen = random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311
    print(f"{len(chosen)} of {len(every)} mutants", flush=True)
    return chosen


class Copy:
    """A copy of the checkout, in which one file at a time is changed."""

    def __init__(self, root: Path) -> None:
        """Copy all that git knows."""
        self._root = root
        for name in (
            subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT)  # noqa: S607
            .decode()
            .split("\0")
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if name and (ROOT / name).exists():
                shutil.copy(ROOT / name, root / name, follow_symlinks=False)

    def detects(self, mutant: Mutant, tests: list[str]) -> tuple[bool, str, str]:
        """Return whether the tests detect a mutant, which of them does, and the change."""
        path = self._root / mutant.path
        before = path.read_text(encoding="utf-8")
        after = mutate_code(before, operators()[mutant.operator], mutant.occurrence)
        assert after is not None, mutant
        try:
            path.write_text(after, encoding="utf-8")
            code, output = self.test(tests)
        finally:
            path.write_text(before, encoding="utf-8")
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), mutant.path, mutant.path, lineterm="", n=2
        )
        failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return code != 0, failed[0][:200] if failed else output[-200:], "\n".join(lines)

    def test(self, tests: list[str]) -> tuple[int, str]:
        """Run tests until the first one fails, in a process that has imported the libraries."""
        log = self._root / "mutation.log"
        child = os.fork()
        if not child:
            _run(self._root, log, tests)
        deadline = time.monotonic() + _DEADLINE
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status), log.read_text(encoding="utf-8")
            if time.monotonic() > deadline:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return 1, "no end"
            time.sleep(0.02)


def _python(root: Path) -> str:
    """Return a Python that uses the copy, also if a test starts it without any variables."""
    path = root / "python"
    variables = f"PYTHONPATH={root}/src:{root} PYTHONDONTWRITEBYTECODE=1"
    path.write_text(f'#!/bin/sh\n{variables} exec {sys.executable} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _run(root: Path, log: Path, tests: list[str]) -> NoReturn:
    """Run the tests of a copy in this process, which is a new one, and end it."""
    try:
        os.setpgrp()
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        output = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(root)
        os.environ["COLUMNS"] = "200"
        sys.dont_write_bytecode = True  # two mutants can have one size and one second
        sys.path[:0] = [f"{root}/src", str(root)]
        sys.executable = _python(root)
        for name in list(sys.modules):
            if name.partition(".")[0] in ("tests", "lab", "stackproof"):
                del sys.modules[name]
        code = int(pytest.main([*_PYTEST, f"--basetemp={root}/temporary", *tests]))
    except BaseException:  # noqa: BLE001 - a mutant may raise anything
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def main() -> int:
    """Print what survived, and the share that was detected."""
    parser = argparse.ArgumentParser(prog="scripts/mutation")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", metavar="PATH", default="*", help="mutate only such files; it may have wildcards"
    )
    parser.add_argument("--not", metavar="PATH", default="", dest="left_out", help="mutate no such")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep the results, and go on")
    given = parser.parse_args()
    for library in _LIBRARIES:
        import_module(library)
    chosen, tests = sample(given.only, given.left_out, given.count, given.seed), targets.files()
    results: dict[str, bool] = {}
    if given.results and given.results.exists():
        lines = given.results.read_text(encoding="utf-8").splitlines()
        results = {each["mutant"]: each["detected"] for each in map(json.loads, lines)}
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Copy(Path(folder))
        if not (given.results and given.results.exists()):
            code, output = copy.test(sorted({test for each in chosen for test in tests[each.path]}))
            assert code == 0, f"the tests fail without a mutant:\n{output}"
        for mutant in chosen:
            name = "{path}:{operator}:{occurrence}".format(**asdict(mutant))
            if name in results:
                continue
            detected, by, diff = copy.detects(mutant, tests[mutant.path])
            results[name] = detected
            if given.results:
                line = json.dumps({"mutant": name, "detected": detected, "by": by, "diff": diff})
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
            if not detected:
                print(f"SURVIVED {name}\n{diff}\n", flush=True)
    count = sum(results.values())
    print(f"{count} of {len(results)} mutants detected: {count / len(results):.1%}")
    return 0 if count >= 0.95 * len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
