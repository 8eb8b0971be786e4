"""`stackproof init` for a project that was started from another directory."""

from pathlib import Path

import pytest

from stackproof.cli.draft import confirmation
from stackproof.cli.draft.confirmation import NotVerifiedError
from stackproof.cli.draft.draft import Draft
from stackproof.cli.draft.running_projects import RunningProject
from tests.cli.draft.conftest import Init

TWO = "services: {web: {image: app}, worker: {image: app}}"


def _no_verdict(name: str, directory: Path, draft: Draft) -> confirmation.Confirmation:
    raise NotVerifiedError("the mock verifies nothing")


@pytest.mark.parametrize(
    ("compose", "running", "project"),
    [
        (TWO, {"prod": "web worker", "other": "web"}, "prod"),
        (TWO, {"prod": "web worker", "old": "web worker"}, ""),
        (TWO, {"prod": "web"}, ""),
        (TWO, {"another": "web worker api db"}, ""),
        (f"name: fixed\n{TWO}", {"prod": "web worker"}, ""),
    ],
)
def test_a_project_that_was_started_elsewhere(
    init: Init, monkeypatch: pytest.MonkeyPatch, compose: str, running: dict[str, str],
    project: str,
) -> None:  # fmt: skip
    """`check` finds it by its services, too."""
    monkeypatch.setattr(confirmation, "verify", _no_verdict)
    monkeypatch.setattr(
        "stackproof.cli.draft.stack.list_projects",
        lambda _: [
            RunningProject(name, (Path("/opt/shop/compose.yaml"),), (), set(services.split()))
            for name, services in running.items()
        ],
    )
    shop = init(compose, name=project or ("fixed" if "name:" in compose else "shop"))
    assert shop.compose
    assert shop.compose.project == project
