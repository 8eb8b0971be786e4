"""The check of nginx, of which an environment has one, and the exit codes that it leads to."""

from pathlib import Path

import pytest

from fixtures.facts import CommandResult
from fixtures.observation import Unobserved
from tests.suites import shop
from tests.suites.shop import said

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
    "proxy configuration: expected no warning of nginx -t, observed conflicting server name "
    '"shop.example" on 0.0.0.0:443, ignored; '
    'the "user" directive makes sense only if the master process runs'
]
FAILED = said("nginx -t", 1, BROKEN)
TOLD = """\
proxy configuration: expected nginx -t succeeds, observed \
nginx: configuration file /etc/nginx/nginx.conf test failed
  nginx -t:
    nginx: [emerg] unknown directive "prox_pass" in /etc/nginx/conf.d/shop.conf:7
    nginx: configuration file /etc/nginx/nginx.conf test failed
hint: mend the file that it names before anything reloads or restarts nginx
"""


@pytest.mark.parametrize(
    ("result", "exit_code", "told"),
    [
        (said("nginx -t", 0, "nginx: the configuration file syntax is ok"), 0, None),
        (VALID_BUT, 0, None),
        (
            FAILED,
            1,
            (
                "FAIL",
                "proxy configuration: expected nginx -t succeeds, observed "
                "nginx: configuration file /etc/nginx/nginx.conf test failed",
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
            ("UNKNOWN", "could not look: proxy is exited"),
        ),
        (shop.STUCK, 6, ("UNKNOWN", "could not look: no answer within 8 s")),
    ],
    ids=["valid", "warned", "broken", "hangs", "down", "unseen"],
)
def test_nginx(
    tmp_path: Path,
    result: CommandResult | Unobserved,
    exit_code: int,
    told: tuple[str, str] | None,
) -> None:
    observed = shop.facts(commands={"nginx_test proxy": result})
    ran = shop.replay(tmp_path, ENVIRONMENT, observed, "-k", "config_valid")
    assert ran.exit_code == exit_code, ran.output
    assert ran.told("shop") == ({CHECK: told} if told else {})
    assert (TOLD in ran.output) == (result is FAILED)
    (check,) = ran.verdict("shop")["checks"]
    assert check["warnings"] == (WARNED if result is VALID_BUT else [])
