"""The id of a check, as reports, waivers and baselines write it."""

from stackproof.check_id import check_id


def test_check_id() -> None:
    properties = {"suite": "containers", "check": "running", "subject": "api", "service": "api"}
    assert check_id(properties) == "containers.running[api]"
