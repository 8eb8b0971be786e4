"""No value of a fact, however odd, makes a check of ours break."""

from tests.faults import odd, snapshots


def test_no_check_breaks() -> None:
    *broken, ran = odd.broken(snapshots.healthy("lab"))
    assert broken == []
    assert int(ran) > 1000
