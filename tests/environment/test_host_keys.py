"""Forms of host keys: alone, as `ssh-keyscan` prints them, or as in `known_hosts`."""

import pytest
from pydantic import ValidationError

from stackproof.environment.machine import Engine

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB"
ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHA="


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (ED25519, ED25519),
        (f"{ED25519} root@server\n", ED25519),
        (f"[203.0.113.7]:2222 {ED25519}", ED25519),
        (f"# 203.0.113.7:22 SSH-2.0-x\n203.0.113.7 {ED25519}\n\nh {ECDSA}", f"{ED25519}\n{ECDSA}"),
    ],
)
def test_host_keys(given: str, keys: str) -> None:
    assert Engine(host_key=given).host_key == keys


def test_empty() -> None:
    assert Engine(host_key="").host_key is None


@pytest.mark.parametrize(
    "given", ["SHA256:C3NzaC1lZDI1", f"{ED25519}\nand more", " ", "ssh-ed25519", "# only this"]
)
def test_not_a_host_key(given: str) -> None:
    with pytest.raises(
        ValidationError, match="expected public host keys such as ssh-ed25519 AAAA…"
    ):
        Engine(host_key=given)
