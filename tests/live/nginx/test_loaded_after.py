"""`nginx.loaded_after` on a real engine: the service is restarted after nginx has loaded."""

import pytest

from tests.live.nginx.proxied import Proxied
from tests.live.nginx.test_routed import AT_API, RESOLVER, TO_API, TO_WEB, api, site

pytestmark = pytest.mark.live

TO_VARIABLE = "proxy_pass http://$u;"
HEALTHY = {
    "variable of the location": site(RESOLVER, api("set $u api:5000; proxy_pass http://$u;")),
    "variable of the server": site(RESOLVER, "set $u api:5000;", api(TO_VARIABLE)),
    "port in the target": site(RESOLVER, api("set $u api; proxy_pass http://$u:5000;")),
    "whole URL": site(RESOLVER, api("set $u http://api:5000/api; proxy_pass $u;")),
    "map": site(RESOLVER, "location / { proxy_pass http://$pool; }",
                before="map $uri $pool { ~^/api api:5000; default web:3000; }"),
    "named location": site(RESOLVER, "location /api { try_files $uri @api; }",
                           f"location @api {{ set $u api:5000; {TO_VARIABLE} }}"),
    "resolver of http": site(api("set $u api:5000; proxy_pass http://$u;"), before=RESOLVER),
    "alias in a variable": site(RESOLVER, api("set $u api-alias:5000; proxy_pass http://$u;")),
    "group without requests": site(RESOLVER, api("set $x api:5000; proxy_pass http://$x;"),
                                   before="upstream idle { server api:5000; }"),
    "static name of another service": site(
        RESOLVER, f"location / {{ {TO_WEB} }} location /api {{ set $u api:5000; {TO_VARIABLE} }}"
    ),
    "if": site(RESOLVER, "set $u web:3000; if ($uri ~ ^/api) { set $u api:5000; }",
               f"location / {{ {TO_VARIABLE} }}"),
}  # fmt: skip
BROKEN = {
    "direct": site(api(TO_API)),
    "container": site(api("proxy_pass http://stackproof-nginx-api-1:5000;")),
    "alias": site(api("proxy_pass http://api-alias:5000;")),
    "group": site(api("proxy_pass http://p;"), before="upstream p { server api:5000; }"),
    "backup of a group": site(api("proxy_pass http://p;"),
                              before="upstream p { server web:3000; server api:5000 backup; }"),
    "group in a variable": site(RESOLVER, api("set $u p; proxy_pass http://$u;"),
                                before="upstream p { server api:5000; }"),
    "group in a map": site("location / { proxy_pass http://$pool; }",
                           before="upstream p { server api:5000; } map $uri $pool { default p; }"),
    "nested location": site(f"location / {{ {TO_WEB} location /api {{ {TO_API} }} }}"),
    "if": site(f"location / {{ if ($uri ~ ^/api) {{ {TO_API} }} {TO_WEB} }}"),
    "fastcgi": site(api("fastcgi_pass api:9000;")),
    "grpc": site(api("grpc_pass api:5000;")),
    "named location": site("location /api { try_files $uri @api; }", AT_API),
}  # fmt: skip


@pytest.mark.parametrize("variant", HEALTHY)
def test_healthy(proxied: Proxied, variant: str) -> None:
    proxied.load(HEALTHY[variant])
    proxied.restart("api")
    ran = proxied.verify("loaded_after")
    assert (ran.exit_code, ran.results("shop")) == (0, {}), ran.output


@pytest.mark.parametrize("variant", BROKEN)
def test_broken(proxied: Proxied, variant: str) -> None:
    proxied.load(BROKEN[variant])
    proxied.restart("api")
    results = proxied.verify("loaded_after").results("shop")
    assert list(results) == ["nginx.loaded_after[api]"]
    outcome, line = results["nginx.loaded_after[api]"]
    assert outcome == "FAIL"
    assert line.startswith("api known to nginx: expected nginx to have loaded after it started at ")


@pytest.mark.parametrize("variant", ["direct", "group", "fastcgi"])
def test_loaded_again(proxied: Proxied, variant: str) -> None:
    proxied.load(BROKEN[variant])
    proxied.restart("api")
    proxied.load(BROKEN[variant])
    assert proxied.verify("loaded_after").results("shop") == {}
