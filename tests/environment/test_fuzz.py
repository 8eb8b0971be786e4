"""Mutated copies of prod.yaml: each one loads, or is rejected with one line."""

import random
import re
import time
from pathlib import Path

from stackproof.environment.loader import InvalidEnvironment, load

PROD = (Path(__file__).parents[2] / "environments" / "prod.yaml").read_text(encoding="utf-8")
VARIABLES = {"PROD_DEPLOY_HOST": "server.example", "PROD_DEPLOY_USER": "deploy"}
# A value in a flow mapping or at the end of a line.
VALUE = re.compile(r"(?<=: )[^\s{}\[\],]+")
ODD = (
    "", "~", "[]", "{}", "[[[]]]", "-1", "0", "-0", "1e400", ".nan", ".inf", "9" * 400, "0x10",
    "010", "²", "'\u0664'", "'\u202e'", r'"\e[2J"', r'"a\nb"', r'"a\r\nb"', r'"\0"', "'../../x'",
    "-x", "!!int 1", "&a x", "*a", "${A}", "${A:-${B:-${C:-d}}}", "'$'", "'${'", "2030-01-01",
    "22:22", "yes", "' '", "'http://['", "http://u:p@h/", "'http://h:²/'", "'a b'", "x" * 300,
    "'%s{}'", "|", "? x", "---", "#",
)  # fmt: skip
MARKS = "{}[]:,&*!|>'\"%@`#$\\\t\x00é"
CASES = 400


def mutated(seed: int) -> str:
    chance = random.Random(seed)  # noqa: S311 - reproducible cases
    text = PROD
    for _ in range(chance.randint(1, 3)):
        lines = text.splitlines(keepends=True)
        at = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(chance.randrange(len(lines)), lines[at])
            case 2:
                lines[at] = chance.choice(["  ", "\t", "- "]) + lines[at]
            case 3:
                place = chance.randrange(len(lines[at]))
                lines[at] = lines[at][:place] + chance.choice(MARKS) + lines[at][place:]
            case _:
                values = list(VALUE.finditer(text))
                value = chance.choice(values)
                lines = [text[: value.start()], chance.choice(ODD), text[value.end() :]]
        text = "".join(lines)
    return text


def _message(folder: Path) -> str | None:
    try:
        load("prod", folder, VARIABLES)
    except InvalidEnvironment as error:
        return str(error)
    return None


def test_mutations(tmp_path: Path) -> None:
    loaded = 0
    for seed in range(CASES):
        (tmp_path / "prod.yaml").write_text(mutated(seed), encoding="utf-8")
        started = time.process_time()
        message = _message(tmp_path)
        assert time.process_time() - started < 3, seed
        loaded += message is None
        valid = message is None or (message.isprintable() and "prod.yaml:" in message)
        assert valid, f"{seed}: {message}"
    # Some mutations must break the file, and some must not.
    assert CASES / 10 < loaded < CASES * 9 / 10
