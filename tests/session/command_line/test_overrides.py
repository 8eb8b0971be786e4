"""Where names lead and whom to trust, as the command line says it over the environment file."""

from pathlib import Path

import pytest
import trustme

from tests.command_line import Ran
from tests.in_process import run
from tests.probes.http.sites import serving

SHOP = """
services: {nginx: {}}
routes: {home: {url: "https://shop.example/", service: nginx}}
resolve: {"shop.example:443": "127.0.0.1:1"}
"""
SELECTED = ("-m", "shop and routes", "-k", "status")
FORM = "expected HOST:PORT:ADDRESS:PORT such as example.com:443:127.0.0.1:8443 or *:443:[::1]:8443"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    return f"--environments={tmp_path}"


@pytest.mark.parametrize(
    "resolve",
    [
        "shop.example:443", "shop.example:443:127.0.0.1", "shop.example:443:127.0.0.1:0",
        "shop.example:443:127.0.0.1:https", "shop.example:443:*:8443", "::1:443:127.0.0.1:8443",
        "shop.example:70000:127.0.0.1:8443", "https://shop.example:443:127.0.0.1:8443", "",
    ],
)  # fmt: skip
def test_what_is_no_redirection(shop: str, tmp_path: Path, resolve: str) -> None:
    ran = run(tmp_path / "out", *SELECTED, shop, f"--resolve={resolve}")
    assert (ran.exit_code, ran.errors.strip()) == (4, f"ERROR: --resolve={resolve}: {FORM}")


def test_certificates_that_are_not_there(shop: str, tmp_path: Path) -> None:
    ran = run(tmp_path / "out", *SELECTED, shop, "--ca-file=none.pem")
    said = "ERROR: --ca-file=none.pem: there is no such file"
    assert (ran.exit_code, ran.errors.strip()) == (4, said)
    ran = run(tmp_path / "out", *SELECTED, shop, "--ca-file=/dev/zero")
    said = "ERROR: --ca-file=/dev/zero: cannot be read: not a regular file"
    assert (ran.exit_code, ran.errors.strip()) == (4, said)


@pytest.mark.parametrize(
    "host", ["shop.example", "*"], ids=["by-name", "every-host"]
)  # the file names the host, and the command line wins
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "worker"])
def test_they_win_over_the_file(
    shop: str, tmp_path: Path, host: str, workers: tuple[str, ...]
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("shop.example")
    with serving(lambda _: (200, {}, b"well"), certificate) as site:

        def look(*arguments: str) -> Ran:
            to = f"--resolve={host}:443:{site.address}"
            return run(tmp_path / "out", *SELECTED, shop, to, *arguments, *workers)

        assert look(f"--ca-file={tmp_path / 'ca.pem'}").exit_code == 0
        assert look().results("shop") == {
            "routes.status[home]": (
                "FAIL",
                "home status: expected 200, observed "
                "TLS certificate refused: unable to get local issuer certificate",
            )
        }


def test_another_port_and_another_host_stay_as_they_are(shop: str, tmp_path: Path) -> None:
    with serving(lambda _: (200, {}, b"well")) as site:
        others = (f"--resolve=*:80:{site.address}", f"--resolve=other.example:443:{site.address}")
        ran = run(tmp_path / "out", *SELECTED, shop, *others)
    [(_, said)] = ran.results("shop").values()
    assert said == "home status: expected 200, observed connection refused"
