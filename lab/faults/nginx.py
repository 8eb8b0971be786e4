"""The reverse proxy: down, broken on disk, or sending users the wrong way."""

from lab.faults.fault import Fault, checks

_ROUTES = (
    "home, health, api, api-health, python-api, python-api-health, nexusai, pgadmin, n8n, "
    "http-redirect, server-health, server-api-health, nginx-status"
)
_HOSTS = "chatbuilds.com, python-api.chatbuilds.com, nexusai.domain.com"
_RELOAD = "docker exec vpn-nginx nginx -s reload"
_SITE = "out/nginx/conf.d/chatbuilds.conf"


def _answers(path: str, variable: str, words: str) -> str:
    """A shell condition: what curl's variable says of the answer to a path contains the words."""
    return (
        "curl -sk --resolve chatbuilds.com:$LAB_HTTPS_PORT:127.0.0.1 -o /dev/null "
        f"-w '%{{{variable}}}' https://chatbuilds.com:$LAB_HTTPS_PORT{path} | grep -q {words}"
    )


FAULTS = (
    Fault(
        "nginx-config-broken",
        "a configuration that does not parse lies on disk; nginx still runs with the old one",
        inject=f"echo 'server {{' >> {_SITE}",
        heal="true",
        red=checks("nginx.config_valid[nginx]"),
        unknown=("nginx.config_loaded[nginx]", "nginx.config_mounted[nginx]", "nginx.routed[*]"),
        says="nginx configuration: expected nginx -t succeeds",
    ),
    Fault(
        "nginx-stopped",
        "the reverse proxy is down",
        inject="docker stop vpn-nginx",
        heal="docker start vpn-nginx",
        red=checks("containers.running[nginx]", "containers.healthy[nginx]",
                   f"routes.status[{_ROUTES}]", f"tls.trusted[{_HOSTS}]"),
        unknown=("nginx.*", "network.*[nginx]", "resources.*[nginx]", "routes.*", "tls.*"),
        says="home status: expected 200, observed connection refused",
    ),
    Fault(
        "route-bad-gateway",
        "nginx looks for a service on a port where nobody listens",
        inject=f"sed -i s/web:3000/web:3999/ {_SITE} && {_RELOAD}",
        until=_answers("/", "http_code", "502"),
        heal="true",
        red=checks("routes.status[home]", "nginx.routed[home]"),
        unknown=("routes.*[home]",),
        says="home status: expected 200, observed 502",
    ),
    Fault(
        "route-not-found",
        "a deploy lost a location of the configuration",
        inject=f"sed -i 's#location = /n8n #location = /n9n #; s#location /n8n/#location /n9n/#' "
        f"{_SITE} && {_RELOAD}",
        until=_answers("/n8n", "http_code", "404"),
        heal="true",
        red=checks("routes.status[n8n]", "nginx.routed[n8n]"),
        unknown=("routes.*[n8n]",),
        says="n8n status: expected 200, observed 404",
    ),
    Fault(
        "redirect-leaves-host",
        "a redirect sends users to another host",
        inject=f"sed -i 's#return 301 /n8n/;#return 301 https://n8n.example.com/;#' {_SITE} "
        f"&& {_RELOAD}",
        until=_answers("/n8n", "redirect_url", "example.com"),
        heal="true",
        red=checks("routes.redirects[n8n]", "routes.status[n8n]", "nginx.routed[n8n]"),
        unknown=("routes.*[n8n]",),
        says="n8n redirects: expected to stay on chatbuilds.com",
    ),
)  # fmt: skip
