"""The reverse proxy: down, hanging, broken on disk, or sending users astray."""

from lab.faults.fault import Fault, checks, health_is
from lab.faults.reload import RELOAD

_ROUTES = (
    "home, health, api, api-health, python-api, python-api-health, nexusai, pgadmin, n8n, "
    "http-redirect, server-health, server-api-health, nginx-status, "
    "n8n-push, n8n-events, n8n-webhook"
)
_HOSTS = "chatbuilds.com, python-api.chatbuilds.com, nexusai.domain.com"
_SITE = "out/nginx/conf.d/chatbuilds.conf"
_WORKERS = "'nginx: worker process$'"

FAULTS = (
    Fault(
        "nginx-config-broken",
        "a configuration that does not parse lies on disk; nginx still runs with the old one",
        inject=f"echo 'server {{' >> {_SITE}",
        red=checks("nginx.config_valid[nginx]"),
        unknown=("nginx.config_loaded[nginx]", "nginx.config_mounted[nginx]", "nginx.routed[*]"),
        says="nginx configuration: expected nginx -t succeeds, observed unexpected end of file",
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
        "nginx-worker-stopped",
        "a worker of nginx was stopped to look into it: what it had taken waits for ever",
        inject=f"docker exec vpn-nginx pkill -STOP --oldest -f {_WORKERS}",
        heal=f"docker exec vpn-nginx pkill -CONT -f {_WORKERS}",
        red=checks("nginx.workers[nginx]", "containers.processes[nginx]"),
        says="nginx workers: expected at least one, and none stopped, observed 1 of",
    ),
    Fault(
        "nginx-master-stopped",
        "the master of nginx was stopped: its workers serve, and a reload does nothing",
        inject="docker kill --signal=STOP vpn-nginx",
        heal="docker kill --signal=CONT vpn-nginx",
        red=checks("containers.processes[nginx]"),
        says="nginx processes: expected none that is stopped, observed nginx (PID 1) stopped",
    ),
    Fault(
        "nginx-without-workers",
        "nginx hangs with its ports open: connections are accepted, but never answered",
        inject="docker kill --signal=STOP vpn-nginx\n"
        f"docker exec vpn-nginx pkill -KILL -f {_WORKERS}",
        until=health_is("vpn-nginx", "unhealthy"),
        # Its log says for ever that workers died.
        heal="docker kill --signal=CONT vpn-nginx\ndocker restart vpn-nginx",
        red=checks("nginx.workers[nginx]", "containers.healthy[nginx]",
                   "containers.processes[nginx]", f"routes.status[{_ROUTES}]",
                   f"tls.trusted[{_HOSTS}]"),
        unknown=("nginx.*", "routes.*", "tls.*"),
        says="nginx workers: expected at least one, and none stopped, observed none",
    ),
    Fault(
        "route-bad-gateway",
        "nginx connects to a service on a port where nothing listens",
        inject=f"sed -i s/web:3000/web:3999/ {_SITE} && {RELOAD}",
        red=checks("routes.status[home]", "nginx.routed[home]"),
        unknown=("routes.*[home]",),
        says="home status: expected 200, observed 502",
    ),
    Fault(
        "route-not-found",
        "a deploy lost a location of the configuration",
        inject=f"sed -i 's#location = /n8n #location = /n9n #; s#location /n8n/#location /n9n/#' "
        f"{_SITE} && {RELOAD}",
        red=checks("routes.status[n8n]", "nginx.routed[n8n]"),
        unknown=("routes.*[n8n]",),
        says="n8n status: expected 200, observed 404",
    ),
    Fault(
        "redirect-leaves-host",
        "a redirect sends users to another host",
        inject=f"sed -i 's#return 301 /n8n/;#return 301 https://n8n.example.com/;#' {_SITE} "
        f"&& {RELOAD}",
        red=checks("routes.redirects[n8n]", "routes.status[n8n]", "nginx.routed[n8n]"),
        unknown=("routes.*[n8n]",),
        says="n8n redirects: expected to stay on chatbuilds.com, "
        "observed https://chatbuilds.com/n8n -> https://n8n.example.com/",
    ),
)  # fmt: skip
