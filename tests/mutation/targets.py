"""What is mutated, and which tests then have to fail."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.command_line import ROOT
from tests.faults.findings import FINDINGS, suite_of

_SUITES = "suites/**/test_*.py"
_GATE_SUITES = {"compose_file", "deploy", "predeploy", "rollback"}
_RESULTS = (
    "tests/reports/test_check_results.py", "tests/reports/test_classification.py",
    "tests/reports/test_retries.py", "tests/session/test_waivers.py",
)  # fmt: skip
_OF_NGINX = (
    "rules", "unknown", "destinations", "patterns", "parser", "error_log", "configuration",
    "limits",
)  # fmt: skip
TARGETS: Mapping[str, Sequence[str]] = {
    _SUITES: (),
    "src/stackproof/outcome.py": ("tests/vocabulary", "tests/reports/test_verdict.py"),
    "reports/classification.py": _RESULTS,
    "reports/check_results.py": _RESULTS,
    "reports/verdict.py": ("tests/reports/test_verdict.py",),
    "fixtures/session/waivers.py": ("tests/session/test_waivers.py",),
    "src/stackproof/probes/nginx/**/*.py": (
        "tests/probes/nginx/reader",
        *(f"tests/probes/nginx/test_{name}.py" for name in _OF_NGINX), "tests/probes/nginx",
    ),
    "src/stackproof/probes/nginx/log.py": (
        "tests/probes/nginx/test_log.py", "tests/probes/nginx/test_limits.py",
    ),
    "src/stackproof/probes/nginx/upstream_hosts.py": (
        "tests/suites/nginx/test_checks_nginx_names.py",
    ),
    "src/stackproof/deploy/settling.py": (
        "tests/deploy/test_settling.py", "tests/deploy/test_poller.py",
    ),
    "src/stackproof/secrets/*.py": (
        "tests/secrets/test_words.py", "tests/secrets/test_formats.py",
        "tests/secrets/test_redaction.py", "tests/secrets",
    ),
    "src/stackproof/probes/facts_redaction.py": (
        "tests/probes/test_redacted_responses.py", "tests/probes/test_facts_redaction.py",
        # Whole runs on every snapshot, which take a minute.
        "--deselect=tests/probes/test_facts_redaction.py::test_verdict_is_the_same",
    ),
}  # fmt: skip
"""Pattern of files to the tests of them. The generated catalogue is no test: it approves."""


def files() -> dict[str, list[str]]:
    """Return each file that is mutated and the tests of it, those that detect most first."""
    found = {}
    for pattern, tests in TARGETS.items():
        for path in sorted(ROOT.glob(pattern)):
            if path.name != "__init__.py" or path.read_text(encoding="utf-8").count("\n") > 10:
                name = path.relative_to(ROOT).as_posix()
                found[name] = _tests_of_suite(path) if pattern == _SUITES else list(tests)
    return found


def _tests_of_suite(path: Path) -> list[str]:
    """Return the tests that name a suite or its checks, and those of every form and hint."""
    suite = path.stem.removeprefix("test_")
    names = re.compile(rf"\b(?:{suite}(?:__|\.)[a-z]|test_{suite}\b)")
    tests = [
        test.relative_to(ROOT).as_posix()
        for test in sorted(ROOT.glob("tests/suites/**/test_*.py"))
        if names.search(test.read_text(encoding="utf-8"))
    ]
    # They take milliseconds.
    direct = [each for each in tests if each.startswith("tests/suites/direct/")]
    forms = [f"tests/suites/form/test_{name}.py" for name in ("form_of_checks", "hints")]
    # First, because most mutants change what a check reports.
    findings = []
    if suite in _GATE_SUITES:
        findings = ["tests/suites/gates/test_gate_findings.py"]
    elif suite in map(suite_of, FINDINGS):  # others have no fault to replay
        findings = ["tests/faults/test_findings.py", f"--suite={suite}"]
    return list(dict.fromkeys([*direct, *findings, *forms, *tests]))
