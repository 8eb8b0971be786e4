"""Generates configurations from a seed: small ones that combine nginx's ways to route a request."""

import random
from collections.abc import Callable, Iterator

from tests.probes.nginx.corpus.case import ROOT, Case

SEED = 14
COUNT = 420
SERVICES = {"api": 5000, "web": 3000, "admin": 8080, "docs": 4000}
"""Services that speak HTTP, and their ports."""
HOSTS = ("shop.test", "www.shop.test", "api.shop.test", "other.test", "a.b.other.test")
PATHS = (
    "/", "/api", "/api/", "/api/health", "/API/Health", "/api/v1/users/7", "/admin", "/admin/login",
    "/static/app.js", "/about", "/about.html", "/docs/", "/docs", "/index.php", "/img/a.PNG",
    "/api/v2/x.php", "/old/page", "/a%20b", "//api//health", "/api/../admin/",
)  # fmt: skip
QUERIES = ("", "", "", "", "?v=2", "?to=admin", "?v=2&to=web")


def cases(seed: int = SEED, count: int = COUNT) -> Iterator[Case]:
    """Yield the configurations of a seed. Some are not valid."""
    for number in range(count):
        source = random.Random(f"{seed} {number}")  # noqa: S311 - not a secret
        yield _Generator(source).case(f"generated-{number:03}")


class _Generator:
    """Writes one configuration."""

    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._top: list[str] = []
        """Directives of the `http` block before the servers."""
        self._inner_servers: list[str] = []
        self._named: list[str] = []
        self._groups: list[str] = []
        self._variables: list[str] = []
        self._number = 0

    def case(self, name: str) -> Case:
        pick = self._random
        for _ in range(pick.choice((0, 0, 1, 2))):
            self._add_group()
        for _ in range(pick.choice((0, 0, 1, 2))):
            self._add_definition()
        servers = [self._server(first=True)]
        servers += [self._server(first=False) for _ in range(pick.choice((0, 0, 0, 1, 2)))]
        pick.shuffle(servers)
        hosts = pick.sample(HOSTS, k=2)
        requests = [
            f"http://{pick.choice(hosts)}{pick.choice(PATHS)}{pick.choice(QUERIES)}"
            for _ in range(4)
        ]
        text = "\n".join([*self._top, *servers, *self._inner_servers])
        return Case(name, text, tuple(dict.fromkeys(requests)))

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _service(self) -> str:
        name = self._random.choice(list(SERVICES))
        return f"{name}:{SERVICES[name]}"

    def _add_group(self) -> None:
        pick = self._random
        name = f"g{self._next()}"
        first, second, third = pick.sample([f"{n}:{SERVICES[n]}" for n in SERVICES], k=3)
        servers = pick.choice(
            (
                f"server {first};",
                f"server {first}; server {second} backup;",
                f"server {first} down; server {second}; server {third} backup;",
                f"server {second} backup; server {first} weight=3 max_fails=2;",
                f"server {first}; server {second};",
                f"least_conn; server {first} down; server {second};",
                f"zone {name} 64k; server {first}; keepalive 8;",
                f"server {first} down; server {second} backup;",
            )
        )
        self._top.append(f"upstream {name} {{ {servers} }}")
        self._groups.append(name)

    def _add_definition(self) -> None:
        pick = self._random
        name = f"m{self._next()}"
        one, two, three = self._service(), self._service(), self._service()
        kinds = [
            f"map $uri ${name} {{ ~^/api {one}; /about {two}; default {three}; }}",
            f"map $uri ${name} {{ ~*\\.(?:php|png)$ {one}; ~^/(?<p{name}>[a-z]+)/ {two}; "
            f"default {three}; }}",
            f"map $host ${name} {{ hostnames; default {one}; *.shop.test {two}; "
            f".other.test {three}; }}",
            f"map $host ${name} {{ hostnames; default {one}; shop.* {two}; "
            f"*.other.test {three}; }}",
            f"map $arg_to ${name} {{ admin {one}; '' {two}; default {three}; }}",
            f"map $request_uri ${name} {{ volatile; ~*^/+api {one}; default {two}; }}",
            f"map $request_method ${name} {{ GET {one}; default {two}; }}",
            f"map $arg_v$arg_to ${name} {{ 2 {one}; 2web {two}; default {three}; }}",
            f"split_clients $request_id ${name} {{ 0.01% {one}; * {one}; }}",
            f"split_clients $request_uri ${name} {{ 50% {one}; * {two}; }}",
            f"geo ${name} {{ default {one}; 10.0.0.0/8 {one}; }}",
            f"map $cookie_beta ${name} {{ default {one}; 1 {one}; }}",
            f"map $http_x_variant ${name} {{ default {one}; b {two}; }}",
        ]
        weights = [4, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 1]
        if self._variables:
            other = pick.choice(self._variables)
            kinds.append(f"map $arg_v ${name} {{ 2 {one}; default ${other}; }}")
            weights.append(4)
        self._top.append(pick.choices(kinds, weights)[0])
        self._variables.append(name)

    def _server(self, *, first: bool) -> str:
        pick = self._random
        names = pick.choice(
            (
                "shop.test", "shop.test www.shop.test", "*.shop.test", ".shop.test", "_",
                "localhost", "shop.*", "~^(?<sub>[a-z]+)\\.shop\\.test$", "~other", "*.other.test",
                "other.test", "~^(?<name>.+)\\.test$", '""', "$hostname", "*.b.other.test",
            )
        )  # fmt: skip
        listen = pick.choice(
            ("listen 80;", "listen 80;", "listen *:80;", "listen 0.0.0.0:80;",
             "listen 80; listen [::]:80;", "listen 80; listen 8081;")
        )  # fmt: skip
        if not first and pick.random() < 0.3 and not any("default_server" in s for s in self._top):
            self._top.append("# default_server is used")
            listen = "listen 80 default_server;"
        self._named = []
        body = [listen, f"server_name {names};", f"root {ROOT};"]
        body.append("resolver 127.0.0.53 ipv6=off;")
        if pick.random() < 0.4:
            body.append(self._rewriting(in_server=True))
        locations = [self._location("") for _ in range(pick.choice((1, 2, 3, 3, 4, 5)))]
        if pick.random() < 0.7:
            locations.append(f"location / {{ {self._content('/')} }}")
        pick.shuffle(locations)
        unique = {each.partition("{")[0]: each for each in locations}.values()
        if pick.random() < 0.25:
            body.append(
                pick.choice(
                    (
                        "error_page 404 = @n404;",
                        "error_page 404 403 /about;",
                        "error_page 418 = @n404;",
                    )
                )
            )
            self._named.append(f"location @n404 {{ {self._pass()} }}")
        return "server {\n  " + "\n  ".join([*body, *unique, *self._named]) + "\n}"

    def _location(self, within: str) -> str:
        pick = self._random
        if within:
            path = pick.choice(
                (f"{within}v1/", f"{within}health", "~ \\.php$", f"= {within}health")
            )
            if not within.endswith("/"):
                path = pick.choice(
                    (f"{within}/v1/", f"{within}/health", "~ \\.php$", f"~* ^{within}/v")
                )
        else:
            path = pick.choice(
                (
                    "/api", "/api/", "= /api/health", "^~ /api", "^~ /api/v1", "/admin", "/admin/",
                    "= /admin", "/static/", "/about", "= /", "/docs/", "/docs", "= /about.html",
                    "~ \\.php$", "~* \\.(png|jpg)$", "~ ^/api/v(?<version>[0-9]+)/",
                    "~ ^/(api|admin)",
                    "~* ^/API/", "~ ^/api/(?!health)", "~ ^/[[:alpha:]]+$", "~ /$", "~* \\.php$",
                    "~ ^/old/(.*)$", '~ "^/api/v[0-9]{1}/"', "~ ^/(?>a+)pi", "/old", "^~ /static",
                )
            )  # fmt: skip
        plain = path.split()[-1] if not path.startswith("~") else ""
        body = ""
        if pick.random() < 0.35:
            body += self._rewriting(in_server=False) + " "
        body += self._content(plain)
        if not within and path.startswith("/") and pick.random() < 0.25:
            body += f" {self._location(plain)}"
        return f"location {path} {{ {body} }}"

    def _rewriting(self, *, in_server: bool) -> str:
        pick = self._random
        name = f"v{self._next()}"
        one, two = self._service(), self._service()
        choices = [
            f"set ${name} {one};",
            f"set ${name} {one}; if ($arg_v = 2) {{ set ${name} {two}; }}",
            f"set ${name} {one}; if ($uri ~ ^/api) {{ set ${name} {two}; }}",
            f"set ${name} {one}; if ($request_method != POST) {{ set ${name} {two}; }}",
            f"if ($arg_to) {{ set ${name} {one}; }}",
            f"if ($host ~* ^www\\.(.+)$) {{ set ${name} {one}; rewrite ^/old(.*)$ /api$1; }}",
            "rewrite ^/old/(.*)$ /api/$1 last;",
            "rewrite ^/old/(.*)$ /admin/$1;",
            "rewrite ^/api/(v[0-9])/(.*)$ /$2 break;",
            "rewrite ^/img/(?<rest>.+)$ /static/$rest last;",
            "rewrite ^/about$ /docs/?x=1 last;",
            "rewrite ^/admin$ /admin/ permanent;",
            "rewrite ^/docs$ https://docs.test/ redirect;",
            "if ($request_method = POST) { return 405; }",
            "if ($arg_to = admin) { return 418; }",
            "if ($arg_v = 2) { rewrite ^ /admin/ last; }",
            "if (-f $document_root/maintenance) { return 503; }",
            "if (!-e $request_filename) { rewrite ^/api/(.*)$ /index.php?q=$1 last; }",
            "rewrite ^/static/(.*)$ /static/$1;" if in_server else "rewrite ^(.*)$ /api$1 break;",
            "rewrite ^/loop /loop last;",
            f"set ${name} {one}; break; set ${name} {two};",
        ]
        chosen = pick.choice(choices)
        if f"set ${name}" in chosen:
            self._variables.append(name)
        return chosen

    def _content(self, plain: str) -> str:
        pick = self._random
        kinds: list[Callable[[], str]] = [
            *[self._pass] * 5,
            lambda: "try_files $uri $uri/ =404;",
            lambda: f"try_files $uri {self._add_named()};",
            lambda: f"try_files $uri $uri.html {self._add_named()};",
            lambda: f"try_files $uri/ {self._add_named()};",
            lambda: "try_files $uri /index.php?$args;",
            lambda: pick.choice(("return 200 own;", "return 404;", "return 403 no;")),
            lambda: f"error_page 404 = {self._add_named()}; return 404;",
            lambda: (
                f"error_page 418 = {self._add_named()}; "
                f"if ($arg_v = 2) {{ return 418; }} {self._pass()}"
            ),
            lambda: f"if ($arg_to = web) {{ {self._plain_pass()} }} {self._pass()}",
            lambda: f"if ($arg_v) {{ {self._plain_pass()} }} {self._pass()}",
            lambda: f"try_files $uri =404; {self._pass()}",
            lambda: pick.choice((f"alias {ROOT}/static/;", "", "autoindex on;")),
            lambda: f"internal; {self._pass()}",
            lambda: f"limit_except GET {{ deny all; }} {self._pass()}",
            lambda: f"satisfy any; allow all; auth_basic off; {self._pass()}",
            lambda: f"mirror /mirror; {self._pass()}",
            lambda: f"add_header X-A b always; {self._pass()}",
            self._pass_to_itself,
            self._other_protocol,
        ]
        if plain.startswith("/"):
            kinds += [
                lambda: f"proxy_pass http://{self._service()}{pick.choice(('/', '/x/'))};"
            ] * 2
        if plain == "/":
            kinds += [self._pass] * 8
        return pick.choice(kinds)()

    def _add_named(self) -> str:
        name = f"@n{self._next()}"
        self._named.append(f"location {name} {{ {self._pass()} }}")
        return name

    def _plain_pass(self) -> str:
        return f"proxy_pass http://{self._service()};"

    def _pass(self) -> str:
        pick = self._random
        service = self._service()
        choices = [
            f"proxy_pass http://{service};", f"proxy_pass http://{service};",
        ]  # fmt: skip
        if self._groups:
            group = pick.choice(self._groups)
            choices += [f"proxy_pass http://{group};"] * 2
        if self._variables:
            variable = pick.choice(self._variables)
            choices += [
                f"proxy_pass http://${variable};",
                f"proxy_pass http://${variable}$request_uri;",
            ]
        name = f"w{self._next()}"
        choices += [
            f"set ${name} {service}; proxy_pass http://${name};",
            f"set ${name} http://{service}; proxy_pass ${name};",
            f"set ${name} {service.split(':')[0]}; proxy_pass http://${{{name}}}:{service.split(':')[1]}$uri;",
        ]
        return pick.choice(choices)

    def _pass_to_itself(self) -> str:
        number = self._next()
        port = 9000 + number
        inner = self._random.choice(
            (
                f"location / {{ {self._pass()} }}",
                f"location /api {{ {self._pass()} }} location / {{ return 200 inner; }}",
            )
        )
        socket = f"unix:/run/corpus{number}.sock"
        unix = self._random.random() < 0.4
        listen = socket if unix else f"127.0.0.1:{port}"
        self._inner_servers.append(
            f"server {{ listen {listen}; resolver 127.0.0.53 ipv6=off; {inner} }}"
        )
        return f"proxy_pass http://{f'{socket}:' if unix else listen};"

    def _other_protocol(self) -> str:
        return self._random.choice(
            (
                "fastcgi_pass php:9000;", "uwsgi_pass uwsgi:3031;", "scgi_pass scgi:4001;",
                "include /etc/nginx/fastcgi.conf; fastcgi_pass php:9000;", "grpc_pass grpc://grpc:50051;",
                "grpc_pass grpc:50051;",
            )
        )  # fmt: skip
