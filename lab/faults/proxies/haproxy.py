"""HAProxy, of which only the routes are verified, with the wrong backend."""

from lab.faults.fault import Fault, checks

_FILE = "/etc/haproxy/haproxy.cfg"
_IS_UP = "docker exec proxies-haproxy bash -c ': </dev/tcp/127.0.0.1/80' 2>/dev/null"

FAULTS = (
    Fault(
        "haproxy-wrong-backend",
        "a host leads to the wrong backend, which answers 200",
        inject=f"docker exec proxies-haproxy sed -i 's/_backend blog/_backend shop/' {_FILE}\n"
        "docker restart --time=0 proxies-haproxy",
        until=_IS_UP,
        heal=f"docker cp --quiet proxies/haproxy.cfg proxies-haproxy:{_FILE}\n"
        f"docker restart --time=0 proxies-haproxy\nuntil {_IS_UP}; do sleep 0.1; done",
        red=checks("routes.identity[blog-haproxy]"),
        says="blog-haproxy answered by blog: "
        "expected header X-Service: blog, observed header X-Service: shop",
        shape="proxies",
    ),
)
