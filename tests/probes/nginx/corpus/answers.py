"""The answers of a real nginx: recorded ones, and how they are recorded."""

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.process import run
from tests.probes.nginx.corpus.case import FILES, Case
from tests.probes.nginx.corpus.generator import cases
from tests.probes.nginx.corpus.public import public_cases

IMAGE = "stackproof-lab/nginx:1"
_FILE = Path(__file__).with_name("answers.json")
_SERVER = Path(__file__).with_name("server.py")
_DEADLINE = 300

Answers = dict[str, dict[str, list[str]]]
"""By case and URL, the services that answered; an empty text is nginx itself."""


def all_cases() -> list[Case]:
    """Return the generated cases, and those of public projects."""
    return [*cases(), *public_cases()]


def recorded() -> Answers:
    found: Answers = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def ask(given: Iterable[Case]) -> Answers:
    """Ask a real nginx, in a container without a network; leave out what is not valid."""
    document = {
        "files": FILES,
        "cases": [
            {"name": each.name, "text": each.text, "requests": each.requests} for each in given
        ],
    }
    with TemporaryDirectory() as folder:
        file = Path(folder) / "cases.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        printed = run(
            "docker", "run", "--rm", "--network=none", "--entrypoint=python3",
            f"--volume={_SERVER}:/server.py:ro", f"--volume={file}:/cases.json:ro", IMAGE,
            "/server.py", deadline=_DEADLINE,
        )  # fmt: skip
    return {
        name: found
        for name, answers in json.loads(printed).items()
        if (found := {url: each for url, each in answers.items() if "error" not in str(each)})
        and "invalid" not in answers
    }


def record() -> None:
    """Write the answers of a real nginx to the file of the recorded ones."""
    # The image has no stream module: these were asked with Debian's libnginx-mod-stream.
    kept = {case.name: recorded()[case.name] for case in all_cases() if case.stream}
    answers = {**ask(case for case in all_cases() if not case.stream), **kept}
    _FILE.write_text(json.dumps(answers, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
