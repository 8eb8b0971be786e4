"""No unusual value of a fact breaks a check."""

import pytest

from tests.faults import fuzzing, snapshots


@pytest.mark.parametrize(("environment", "least"), [("lab", 1000), ("proxies", 200)])
def test_no_check_breaks(environment: str, least: int) -> None:
    *broken, ran = fuzzing.broken(snapshots.healthy(environment))
    assert broken == []
    assert int(ran) > least
