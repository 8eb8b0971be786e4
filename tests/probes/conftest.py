"""Probes that a test declares."""

import pytest

from stackproof.probes import declaration
from stackproof.probes.declaration import PROBES


@pytest.fixture
def own_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test declares is gone after it."""
    monkeypatch.setattr(declaration, "PROBES", dict(PROBES))
