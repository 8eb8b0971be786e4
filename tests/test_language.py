"""The vocabulary of the project: words that have a plainer or more standard equivalent."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIPPED_FOLDERS = {"__pycache__", "build", "dist", "out", "snapshots", "samples"}
HIDDEN_FOLDERS = {".ci", ".github"}
SKIPPED_FILES = {"CHANGELOG.md", "requirements.lock", "test_language.py"}
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".toml", ".ini", ".json", ".sh", ".svg", ".txt", ".cron"}

# Names of modules, classes, functions and variables. Case matters.
IDENTIFIERS = {
    r"Reached|reached\.py": "EngineSession, engine_session.py",
    r"whole\.py|tell_of": "environment_notes.py, add_note",
    r"whole_file": "atomic_write",
    r"own_environments": "scheduler",
    r"opening\.py": "preconnect.py",
    r"exclusion\.py": "run_lock.py",
    r"redirection\.py": "overrides.py",
    r"addressed\.py|question(?=\()": "container_http.py, request",
    r"planned\.py": "predeploy.py",
    r"""Looks(?!")|_places""": "ProbePool, _slots",
    r"look_again|looked_again": "recheck",
    r"must_be_here": "require_local_engine",
    r"in_words|in_one_word": "describe_error, classify_error",
    r"steadily": "with_reconnect",
    r"Dialled|refusal\.why": "DialStdio, explain_failure",
    r"renewed(?=\()": "merge_facts",
    r"difference(?=\(due)": "mismatch(expected, response)",
    r"Room|def share|\.share|share\(": "Capacity, free_ratio",
    r"Alarm|_?grave": "LogEntry, crit or worse",
    r"Course": "SettleTracker, WatchWindow",
    r"remade|bystander\w*": "recreated, untouched_service",
    r"[Mm]oody|moody\.py": "FlakyServer, flaky_server.py",
    r"making\.py|told\.py": "creation.py, expectations.py",
    r"test_bite\w*": "test_checks_*",
    r"CannotLook": "UnobservedError",
}

# Words and phrases, in names and in text. Case does not matter.
PHRASES = {
    r"told": "properties, result, lines; is reported",
    # `looks` is a key of verdict.json.
    r"""(?<![."`])looks(?! like|[:="`])""": "probes",
    r"looked at again|looks? again|looking again": "retried",
    r"could not look|cannot look": "could not be evaluated",
    r"grave lines?": "crit or worse",
    r"no way to the host": "host unreachable",
    r"by who looks": "permission denied for the login user",
    r"at its limits": "out of file descriptors or memory here",
    r"that cannot be had": "cannot be pulled",
    r"Take a look": "Record one poll",
    r"None where": "None if …",
    r"Who(ever)? uses it": "If you use …",
    r"whence": "where … from",
    r"whose row it counts in": "the service it belongs to",
    r"all of the unseen": "every unobserved request",
    r"mend|mends|mended|mending": "fix",
    r"anew": "again",
    r"of before": "previous",
    r"besides": "also",
    r"in place of": "instead of",
    r"nobody knows": "unknown",
    r"is told|are told": "is reported",
}

# One condition before and after all of the words: one for each word takes six times as long.
IDENTIFIER = re.compile(rf"(?<!\w)(?:{'|'.join(IDENTIFIERS)})(?!\w)")
PHRASE = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(PHRASES)})(?![^\W_])".replace(" ", r"[\s_]+"),
    flags=re.IGNORECASE,
)


def texts() -> Iterator[Path]:
    """Yield every file that people of the project wrote, relative to the root."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            each
            for each in sorted(folders)
            if each not in SKIPPED_FOLDERS
            and not each.endswith(".egg-info")
            and (not each.startswith(".") or each in HIDDEN_FOLDERS)
        ]
        for name in sorted(names):
            path = Path(folder, name)
            written = path.suffix in SUFFIXES or path.parent.name in {"scripts", ".ci"}
            if written and name not in SKIPPED_FILES:
                yield path.relative_to(ROOT)


def remains(name: str, text: str) -> list[str]:
    """Return each place of a file that uses a word of the lists, as `path:line: word`."""
    found = [
        f"{name}: {match[0]}" for match in (IDENTIFIER.search(name), PHRASE.search(name)) if match
    ]
    for pattern in (IDENTIFIER, PHRASE):
        found += [
            f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {' '.join(match[0].split())}"
            for match in pattern.finditer(text)
        ]
    return found


def test_nothing_remains() -> None:
    found = [
        place
        for path in texts()
        for place in remains(str(path), (ROOT / path).read_text(encoding="utf-8"))
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("class Room(Frozen):", "Room"),
        ("what_is_told = 1", "is_told"),
        ("It is looked at\nagain.", "looked at again"),
        ("None where to none", "None where"),
        ("Mend the file.", "Mend"),
        ("def test_what_nobody_knows() -> None:", "nobody_knows"),
    ],
)
def test_word_is_found(text: str, word: str) -> None:
    assert word.replace("is_told", "told") in " ".join(remains("suites/test_x.py", text))


@pytest.mark.parametrize("text", ["bathroom", "untold", "of beforehand", "recommend", "LostFound"])
def test_part_of_a_word_is_not_found(text: str) -> None:
    assert remains("suites/test_x.py", text) == []
