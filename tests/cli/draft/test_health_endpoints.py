"""Health endpoints in the commands of health checks."""

from typing import Any

import pytest

from stackproof.cli.draft.health_endpoints import Endpoint, find


@pytest.mark.parametrize(
    ("test", "port", "path"),
    [
        (["CMD", "curl", "-fsS", "http://localhost:8080/health"], "8080", "/health"),
        (["CMD", "curl", "-f", "-X", "GET", "http://[::1]:1/a"], "1", "/a"),
        (["CMD", "wget", "-q", "--spider", "http://127.0.0.1/"], "80", "/"),
        (["CMD", "/bin/wget", "-t1", "http://0.0.0.0:9090/-/healthy"], "9090", "/-/healthy"),
        ("curl -f http://localhost/ || exit 1", "80", "/"),
        (["CMD-SHELL", "curl -f 'http://localhost:9000/live?a=1&b=2' || exit 1"],
         "9000", "/live?a=1&b=2"),
        (["CMD-SHELL", "wget -qO- localhost:3000/api|grep ok"], "3000", "/api"),
        (["CMD-SHELL", "wget -O /dev/null http://localhost:5000 2>&1"], "5000", "/"),
        (["CMD", "/bin/sh", "-c", "wget -O - http://$$HOSTNAME:5000/ping"], "5000", "/ping"),
        (["CMD-SHELL", "pg_isready && curl localhost:$${PORT}/h"], "8000", "/h"),
        (["CMD-SHELL", "curl localhost:$$PORT/h; exit 0"], "8000", "/h"),
        (["CMD-SHELL", "curl localhost:$${OTHER:-7000}/h"], "7000", "/h"),
        (["CMD", "curl", "http://localhost:${HTTP_PORT:-8080}/${NAME}/h"],
         "${HTTP_PORT:-8080}", "/${NAME}/h"),
        (["CMD-SHELL", "curl -s --noproxy localhost localhost:3000/health | grep -q OK"],
         "3000", "/health"),
        (["CMD", "curl", "-H", "X-Real-Host: localhost", "-o", "localhost", "localhost:81/h"],
         "81", "/h"),
        ("curl -sH 'Forwarded: for=localhost;host=a' localhost:82/h", "82", "/h"),
        ("curl --connect-timeout 3 -m5 -XGET --referer http://localhost/r localhost:83/h",
         "83", "/h"),
        ("curl --resolve localhost:84:127.0.0.1 --url http://localhost:84/h", "84", "/h"),
        ("curl -w '%{http_code};' -A localhost http://localhost:85/h; true", "85", "/h"),
        ("wget -nv -T 5 -t1 -O localhost --header=X-Host:localhost localhost:86/h", "86", "/h"),
        ("wget -Y off -qO- --header 'X-Host: localhost' http://localhost:87/h", "87", "/h"),
        ("wget --method=GET --user-agent=localhost -kq http://localhost:88/h", "88", "/h"),
        ("curl -fsS localhost || wget -q localhost:89/h", "80", "/"),
        (["CMD-SHELL", "test $(curl -so /dev/null -w '%{http_code}' http://localhost/x) = 200"],
         "80", "/x"),
    ],
)  # fmt: skip
def test_endpoints(test: Any, port: str, path: str) -> None:
    assert find(test, {"PORT": "8000"}) == Endpoint("http", port, path, "", insecure=False)


@pytest.mark.parametrize(
    ("test", "insecure"),
    [
        (["CMD", "curl", "-k", "https://localhost:8443/h"], True),
        ("curl -fsk https://localhost:8443/h || exit 1", True),
        ("curl -f https://localhost:8443/h --insecure", True),
        ("wget -q --no-check-certificate --spider https://127.0.0.1:8443/h", True),
        ("curl --cacert /ca.pem https://localhost:8443/h", False),
        ("wget -k https://localhost:8443/h", False),
        ("curl -o k https://localhost:8443/h", False),
    ],
)
def test_https(test: Any, insecure: bool) -> None:
    host = "" if insecure else "localhost"
    assert find(test, {}) == Endpoint("https", "8443", "/h", host, insecure)


def test_the_host_that_is_asked_for() -> None:
    found = find(["CMD", "curl", "-H", "Host: app.example.com", "http://127.0.0.1:8000/h"], {})
    assert found == Endpoint("http", "8000", "/h", "app.example.com", insecure=False)


@pytest.mark.parametrize(
    "test",
    [
        None,
        ["NONE"],
        ["CMD", "node", "-e", "require('http').get('http://localhost:3000')"],
        ["CMD", "python", "-c", "urllib.request.urlopen('http://localhost:3000')"],
        ["CMD", "pg_isready"],
        "nc -z localhost 80",
        "curl -f http://web:80/ || exit 1",
        "curl -f https://example.com/ || exit 1",
        ["CMD", "curl", "-X", "POST", "http://localhost/"],
        "curl --request POST http://localhost/",
        "wget --post-data=a http://localhost/",
        "curl -d x=1 http://localhost/",
        "curl -u elastic:$$PASSWORD http://localhost:9200/",
        'curl -H "Authorization: Bearer x" http://localhost/',
        "curl --unix-socket /var/run/x.sock http://localhost/",
        "curl http://localhost:$$UNKNOWN/h",
        "curl -x localhost:8118 http://example.com/",
        "curl --noproxy localhost http://example.com/",
        "curl -H 'X: localhost' -o localhost http://web/",
        "curl --connect-to ::localhost:81 http://localhost/",
        "curl -fsd x=1 http://localhost/",
        "curl --json '{}' http://localhost/",
        "wget --header='Authorization: Bearer x' http://localhost/",
        "wget --user=a --password b http://localhost/",
        "wget -O localhost http://web/",
        "curl -s example.com && echo http://localhost/",
        "curl --version; echo http://localhost/",
    ],
)
def test_what_is_no_plain_request_to_itself(test: Any) -> None:
    assert find(test, {}) is None
