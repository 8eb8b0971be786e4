"""The first line of a configuration that nginx refuses is nginx's own reason."""

from pathlib import Path

import pytest

from tests import shop
from tests.shop import said

_LAST = "nginx: configuration file /etc/nginx/nginx.conf test failed"
_TIME = "2026/11/30 12:00:00"

REASONS = {
    "a missing alias": 'host not found in upstream "api" in /etc/nginx/conf.d/shop.conf:6',
    "another key": 'SSL_CTX_use_PrivateKey("/etc/nginx/shop.key") failed (SSL: error:05800074:'
    "x509 certificate routines::key values mismatch)",
    "no certificate": 'cannot load certificate "/etc/nginx/shop.crt": BIO_new_file() failed '
    "(SSL: error:80000002:system library::No such file or directory)",
    "a directory": 'mkdir() "/var/cache/nginx" failed (30: Read-only file system)',
}


@pytest.mark.parametrize("prefix", ["nginx: [emerg] ", f"{_TIME} [emerg] 7#7: "])
@pytest.mark.parametrize("cause", REASONS)
def test_reason(cause: str, prefix: str, tmp_path: Path) -> None:
    warned = f"{_TIME} [warn] 7#7: conflicting server name\n"
    result = said("nginx -t", 1, f"{warned}{prefix}{REASONS[cause]}\n{_LAST}")
    assert _first_line(result, tmp_path) == (
        f"proxy configuration: expected nginx -t succeeds, observed {REASONS[cause]}"
    )


def test_without_a_reason(tmp_path: Path) -> None:
    line = _first_line(said("nginx -t", 1, "nginx: not found"), tmp_path)
    assert line.endswith("observed nginx: not found")


def _first_line(result: object, folder: Path) -> str:
    environment = {"services": {"proxy": {}}, "nginx": {"service": "proxy"}}
    observed = shop.facts(commands={"nginx_test proxy": result})
    ran = shop.replay(folder, environment, observed, "-k", "config_valid")
    return ran.results("shop")["nginx.config_valid[proxy]"][1]
