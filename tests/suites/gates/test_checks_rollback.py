"""The checks after a rollback fail for what is not as before the deploy."""

from pathlib import Path

from stackproof.facts.container import Container
from tests.command_line import Ran
from tests.shop import created
from tests.suites.gates.deploys import CONTAINERS, after, facts, judge, results

ROLLED_BACK = {
    name: after(name, creation=created(image_id="sha256:0017", config_hash="5eed"))
    for name in CONTAINERS
}


def rollback(folder: Path, **changed: Container) -> Ran:
    observed = facts({**ROLLED_BACK, **changed}).model_copy(
        update={"images": dict.fromkeys(CONTAINERS, "sha256:0017")}
    )
    return judge(folder, observed, gate="rollback", environment={"routes": {}})


def test_a_good_rollback(tmp_path: Path) -> None:
    ran = rollback(tmp_path)
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output
    assert ran.verdict("shop")["waited"]["ended"] == "settled"


def test_a_rollback_to_the_new_image(tmp_path: Path) -> None:
    ran = rollback(tmp_path, api=after("api", creation=created(config_hash="5eed")))
    assert results(ran) == {
        "rollback.image[api]": "api image: expected the previous one, sha256:0017, "
        "observed sha256:5409"
    }


def test_a_rollback_with_the_new_settings(tmp_path: Path) -> None:
    made = created(image_id="sha256:0017", config_hash="0dd")
    ran = rollback(tmp_path, api=after("api", creation=made))
    assert results(ran) == {
        "rollback.configuration[api]": "api configuration: "
        "expected the one before the deploy, observed a different one"
    }


def test_a_rollback_whose_configuration_is_unknown(tmp_path: Path) -> None:
    made = created(image_id="sha256:0017", config_hash="")
    ran = rollback(tmp_path, api=after("api", creation=made))
    line = "could not be evaluated: Compose did not create it, so its configuration is unknown"
    assert ran.results("shop")["rollback.configuration[api]"] == ("UNKNOWN", line)
