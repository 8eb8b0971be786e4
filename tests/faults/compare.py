"""Compare the `verdict.json` of every committed snapshot with those of another checkout.

    scripts/compare-verdicts OTHER_CHECKOUT [--texts] [--only=SNAPSHOT,SNAPSHOT]

Each checkout replays the snapshots of this one with its own code and virtual environment. Run ids
and times are ignored. Texts (headlines, evidence, hints) may have other words, but not be missing
or new. The exit code is 1 if anything else differs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.command_line import ROOT
from tests.faults import snapshots
from tests.faults.replay import UNSET

_DEADLINE = 1200
_IGNORED = {"run", "started", "duration_s"}
_TEXTS = {"headline", "expected", "observed", "hint", "waiver"}
_SEVERAL_TEXTS = {"warnings", "evidence", "hints"}
# Every run has a process of its own, forked from one that has imported the libraries.
_REPLAY_ALL = """
import json, os, sys
from pathlib import Path
import allure_pytest.plugin, docker, httpx, pydantic, pytest, testinfra.plugin, xdist.plugin, yaml
folder = Path(sys.argv[1])
codes = {}
for path in sorted(folder.glob("*.json")):
    environment = json.loads(path.read_bytes())["environment"]
    child = os.fork()
    if not child:
        output = os.open(folder / f"{path.stem}.log", os.O_CREAT | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = pytest.main(["-m", environment, f"--facts={path}", f"--output={folder / path.stem}"])
        os._exit(int(code))
    codes[path.stem] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
Path(folder, "codes").write_text(json.dumps(codes))
"""


def replay(checkout: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the exit code and the verdict of each snapshot, as a checkout's code has them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in names:
            # Another version of the code may not know every field.
            text = snapshots.read(name).model_dump_json(exclude_unset=True)
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [checkout / ".venv/bin/python", "-c", _REPLAY_ALL, folder],
            cwd=checkout, env={"PATH": os.defpath, "PYTHONUTF8": "1", **UNSET},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=_DEADLINE,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{checkout}: {done.stdout}")
        codes = json.loads((folder / "codes").read_text(encoding="utf-8"))
        return {name: {"exit code": codes[name], **_verdict(folder, name)} for name in names}


def _verdict(folder: Path, name: str) -> dict[str, Any]:
    paths = list((folder / name).glob("*/replay/verdict.json"))
    if len(paths) != 1:
        log = (folder / f"{name}.log").read_text(encoding="utf-8")
        sys.exit(f"{name}: expected one verdict.json, found {len(paths)}:\n{log}")
    verdict: dict[str, Any] = json.loads(paths[0].read_text(encoding="utf-8"))
    verdict["checks"] = {check["id"]: check for check in verdict["checks"]}
    return verdict


def differences(before: Any, after: Any, place: str = "") -> Iterator[tuple[str, bool]]:
    """Yield each difference between two verdicts: a line, and whether only its words differ."""
    key = place.rpartition("/")[2]
    if key in _IGNORED:
        return
    mappings = isinstance(before, dict) and isinstance(after, dict)
    if mappings and before.keys() == after.keys() and list(before) != list(after):
        yield f"{place}: another order", False
    if before != after and _has_as_many_texts(key, before, after):
        yield f"{place}: {before!r} is now {after!r}", True
    elif mappings:
        for each in [*before, *sorted(after.keys() - before.keys())]:
            missing = [
                name for name, held in (("before", before), ("now", after)) if each not in held
            ]
            if missing:
                yield f"{place}/{each}: missing {missing[0]}", False
            else:
                yield from differences(before[each], after[each], f"{place}/{each}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, f"{place}/{number}")
    elif before != after:
        yield f"{place}: {before!r} is now {after!r}", False


def _has_as_many_texts(key: str, before: Any, after: Any) -> bool:
    if key in _TEXTS:
        return bool(before and after)
    return key in _SEVERAL_TEXTS and len(before) == len(after)


def main() -> int:
    """Print the differences and their number."""
    parser = argparse.ArgumentParser(prog="scripts/compare-verdicts")
    parser.add_argument("checkout", type=Path, help="the other checkout, with its own .venv")
    parser.add_argument("--texts", action="store_true", help="show texts with other words as well")
    parser.add_argument("--only", help="names of snapshots, separated by commas (default: all)")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else sorted(snapshots.names())
    before, after = replay(given.checkout, names), replay(ROOT, names)
    found = [each for name in names for each in differences(before[name], after[name], name)]
    for line, only_words in found:
        if given.texts or not only_words:
            print(line)
    wrong = sum(not only_words for _, only_words in found)
    checks = sum(len(each["checks"]) for each in after.values())
    print(
        f"{len(names)} snapshots, {checks} checks: {wrong} differences, "
        f"{len(found) - wrong} texts with other words"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
