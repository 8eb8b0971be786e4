"""The check of nginx, of which an environment has one, and the exit codes that it leads to."""

from pathlib import Path

import pytest

from stackproof.facts.command import CommandResult
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import said

ENVIRONMENT = {"services": {"proxy": {}}, "nginx": {"service": "proxy"}}
CHECK = "nginx.config_valid[proxy]"
BROKEN = (
    'nginx: [emerg] unknown directive "prox_pass" in /etc/nginx/conf.d/shop.conf:7\n'
    "nginx: configuration file /etc/nginx/nginx.conf test failed"
)

VALID_BUT = said(
    "nginx -t", 0,
    'nginx: [warn] conflicting server name "shop.example" on 0.0.0.0:443, ignored\n'
    '2026/01/31 12:00:00 [warn] 7#7: conflicting server name "shop.example" on 0.0.0.0:443, '
    "ignored\n"
    'nginx: [warn] the "user" directive makes sense only if the master process runs\n'
    "nginx: configuration file /etc/nginx/nginx.conf test is successful",
)  # fmt: skip
WARNED = [
    "proxy configuration: expected no warning from nginx -t, observed conflicting server name "
    '"shop.example" on 0.0.0.0:443, ignored; '
    'the "user" directive makes sense only if the master process runs'
]
FAILED = said("nginx -t", 1, BROKEN)
EXPECTED_TEXT = """\
proxy configuration: expected nginx -t succeeds, observed \
unknown directive "prox_pass" in /etc/nginx/conf.d/shop.conf:7
  nginx -t:
    nginx: [emerg] unknown directive "prox_pass" in /etc/nginx/conf.d/shop.conf:7
    nginx: configuration file /etc/nginx/nginx.conf test failed
hint: run here:
  docker exec proxy nginx -t
hint: fix the file that it names before nginx is reloaded or restarted
"""


@pytest.mark.parametrize(
    ("result", "exit_code", "results"),
    [
        (said("nginx -t", 0, "nginx: the configuration file syntax is ok"), 0, None),
        (VALID_BUT, 0, None),
        (
            FAILED,
            1,
            (
                "FAIL",
                "proxy configuration: expected nginx -t succeeds, observed "
                'unknown directive "prox_pass" in /etc/nginx/conf.d/shop.conf:7',
            ),
        ),
        (
            said("nginx -t", 137, "", timed_out=True),
            1,
            (
                "FAIL",
                "proxy configuration: expected nginx -t succeeds, observed no answer in time",
            ),
        ),
        # Of one that is down, nothing can be said: that it is down, other checks say.
        (
            said("nginx -t", None, "proxy is exited"),
            6,
            ("UNKNOWN", "could not be evaluated: proxy is exited"),
        ),
        (shop.STUCK, 6, ("UNKNOWN", "could not be evaluated: no answer within 8 s")),
    ],
    ids=["valid", "warned", "broken", "hangs", "down", "unseen"],
)
def test_nginx(
    tmp_path: Path,
    result: CommandResult | Unobserved,
    exit_code: int,
    results: tuple[str, str] | None,
) -> None:
    containers = {"proxy": shop.container()}
    observed = shop.facts(commands={"nginx_test proxy": result}, containers=containers)
    ran = shop.replay(tmp_path, ENVIRONMENT, observed, "-k", "config_valid")
    assert ran.exit_code == exit_code, ran.output
    assert ran.results("shop") == ({CHECK: results} if results else {})
    assert (EXPECTED_TEXT in ran.output) == (result is FAILED)
    (check,) = ran.verdict("shop")["checks"]
    assert check["warnings"] == (WARNED if result is VALID_BUT else [])
