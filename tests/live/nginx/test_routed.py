"""`nginx.routed` on a real engine."""

import pytest

from tests.live.nginx.proxied import Proxied

pytestmark = pytest.mark.live

TO_API, TO_WEB = "proxy_pass http://api:5000;", "proxy_pass http://web:3000;"
RESOLVER = "resolver 127.0.0.11 ipv6=off;"
AT_API, AT_ROOT = f"location @api {{ {TO_API} }}", f"location / {{ {TO_WEB} }}"
TO_GROUP = f"location /api {{ proxy_pass http://p; }} {AT_ROOT}"


def site(*directives: str, names: str = "shop.test", before: str = "") -> str:
    return f"{before} server {{ listen 80; server_name {names}; {' '.join(directives)} }}"


def api(directives: str) -> str:
    return f"location /api {{ {directives} }} location / {{ {TO_WEB} }}"


HEALTHY = {
    "prefix": site(api(TO_API)),
    "alias": site(api("proxy_pass http://api-alias:5000;")),
    "container": site(api("proxy_pass http://stackproof-nginx-api-1:5000;")),
    "name in the network": site(api("proxy_pass http://api.stackproof-nginx_default:5000;")),
    "variable": site(RESOLVER, api("set $u api:5000; proxy_pass http://$u;")),
    "same variable": site(
        RESOLVER,
        "location /api { set $u api:5000; proxy_pass http://$u; }"
        "location / { set $u web:3000; proxy_pass http://$u; }",
    ),
    "named location": site("location /api { try_files $uri @api; }", AT_API),
    "error page": site("location /api { error_page 418 = @api; return 418; }", AT_API),
    "backup": site(TO_GROUP, before="upstream p { server api:5000; server web:3000 backup; }"),
    "down": site(TO_GROUP, before="upstream p { server web:3000 down; server api:5000; }"),
    "default server": site(api(TO_API), names="_"),
    "named capture": site(api(TO_API), names="~^(?<tenant>[a-z]+)\\.test$"),
    "map": site(RESOLVER, "location / { proxy_pass http://$pool; }",
                before="map $uri $pool { ~^/api api:5000; default web:3000; }"),
    "rewrite": site(f"rewrite ^/api/(.*)$ /v1/$1 last; location /v1 {{ {TO_API} }}", AT_ROOT),
    "if": site(RESOLVER, "set $u web:3000; if ($uri ~ ^/api) { set $u api:5000; }",
               "location / { proxy_pass http://$u; }"),
    "to itself": site(api("proxy_pass http://127.0.0.1:8081;"),
                      before=f"server {{ listen 127.0.0.1:8081; location / {{ {TO_API} }} }}"),
    "wildcard": site(api(TO_API), names="*.test"),
    "nested": site(f"location / {{ {TO_WEB} location /api {{ {TO_API} }} }}"),
}  # fmt: skip
BROKEN = {
    "prefix": (site(AT_ROOT), "web:3000"),
    "port": (site(api("proxy_pass http://api:5999;")), "api:5999"),
    "variable of a later location": (
        site(RESOLVER, "location /api { set $u web:3000; proxy_pass http://$u; }"
             "location /z { set $u api:5000; proxy_pass http://$u; }"),
        "web:3000",
    ),
    "regex before prefix": (site(api(TO_API), f"location ~ health$ {{ {TO_WEB} }}"), "web:3000"),
    "pool of two services": (
        site(TO_GROUP, before="upstream p { server api:5000; server web:3000; }"),
        "api:5000, web:3000",
    ),
    "only backup": (
        site(TO_GROUP, before="upstream p { server api:5000 down; server web:3000 backup; }"),
        "web:3000",
    ),
    "other server block": (site(AT_ROOT) + site(api(TO_API), names="api.test"), "web:3000"),
    "default server": (site(AT_ROOT, names="_") + site(api(TO_API), names="x.test"), "web:3000"),
    "no server block": (site("return 404;", names="x.test"), "no server block for shop.test"),
    "named location": (
        site("location /api { try_files $uri @web; }", f"location @web {{ {TO_WEB} }}"), "web:3000",
    ),
    "map": (
        site(RESOLVER, "location / { proxy_pass http://$pool; }",
             before="map $uri $pool { ~^/api/$ api:5000; default web:3000; }"),
        "web:3000",
    ),
    "rewrite": (site(f"rewrite ^/api/ /web/ last; {api(TO_API)}"), "web:3000"),
    "return": (site(api("return 200 ok;")), "proxy"),
    "split clients": (
        site(RESOLVER, "location / { proxy_pass http://$pool; }",
             before="split_clients $remote_addr $pool { 50% api:5000; * web:3000; }"),
        "api:5000, web:3000",
    ),
    "file": (
        site("root /srv; location /api { try_files /site/nginx.conf @api; }", AT_API), "proxy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("variant", HEALTHY)
def test_healthy(proxied: Proxied, variant: str) -> None:
    proxied.load(HEALTHY[variant])
    ran = proxied.verify("routed")
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output


@pytest.mark.parametrize("variant", BROKEN)
def test_broken(proxied: Proxied, variant: str) -> None:
    http, observed = BROKEN[variant]
    proxied.load(http)
    assert proxied.verify("routed").results("shop") == {
        "nginx.routed[api]": (
            "FAIL",
            "api in nginx's configuration: expected to lead to api at 5000 or 9000, "
            f"observed {observed}",
        )
    }


UNDECIDED = site(
    RESOLVER, "location / { proxy_pass http://$pool; }",
    before="map $cookie_beta $pool { default api:5000; 1 web:3000; }",
)  # fmt: skip


def test_undecided(proxied: Proxied) -> None:
    proxied.load(UNDECIDED)
    assert proxied.verify("routed").results("shop") == {
        "nginx.routed[api]": (
            "UNKNOWN",
            "could not be evaluated: $cookie_beta decides where the route leads: "
            "api:5000, web:3000",
        )
    }
    # An earlier test may have restarted it.
    proxied.execute(
        "timeout 20 bash -c 'until (: </dev/tcp/api/5000) 2>/dev/null; do sleep 0.05; done'"
    )
    identity = {"headers": {"X-Served-By": "api"}}
    assert proxied.verify("routed", identity=identity).results("shop") == {}
