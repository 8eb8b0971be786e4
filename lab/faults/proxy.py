"""A reverse proxy that is not what lies on disk, or does not know where its upstreams are."""

from lab.faults.fault import Fault, checks
from lab.faults.reload import RELOAD

_SITE = "out/nginx/conf.d/chatbuilds.conf"
_NETWORK = "stackproof-lab_default"


def _address(container: str) -> str:
    field = f'(index .NetworkSettings.Networks "{_NETWORK}").IPAddress'
    return f"$(docker inspect -f '{{{{{field}}}}}' {container})"


FAULTS = (
    Fault(
        "nginx-config-not-loaded",
        "someone changed the configuration and did not reload nginx",
        # A file's time counts in whole seconds, and the last load may be of this one.
        inject=f"echo '# a change' >> {_SITE} && touch --date='1 second' {_SITE}",
        red=checks("nginx.config_loaded[nginx]"),
        says="nginx loaded configuration: expected the one on disk, observed "
        "/etc/nginx/conf.d/chatbuilds.conf changed at",
    ),
    Fault(
        "nginx-file-replaced",
        "an editor replaced a mounted file, and nginx reloads the old one",
        inject="echo '# one file' > out/site.conf\n"
        "echo 'include /run/site.conf;' > out/nginx/conf.d/site.conf\n"
        "echo 'services: {nginx: {volumes: [\"./out/site.conf:/run/site.conf:ro\"]}}' "
        "> out/override.yaml\n"
        "compose --file out/override.yaml up --detach --no-deps --wait nginx\n"
        f"echo '# another' > out/site.new; mv out/site.new out/site.conf; {RELOAD}",
        heal="rm out/override.yaml out/site.conf",
        red=checks("nginx.config_mounted[nginx]", "identity.origin[nginx]",
                   "mounts.current[nginx]"),
        says="nginx mounted configuration: expected the current files on the host, "
        "observed an old /run/site.conf",
    ),
    Fault(
        "nginx-directory-replaced",
        "a deploy moved the mounted directory aside and put a new one in its place",
        inject="rm -rf out/nginx.old; mv out/nginx out/nginx.old; cp -a out/nginx.old out/nginx",
        heal="rm -rf out/nginx; mv out/nginx.old out/nginx",
        red=checks("mounts.current[nginx]"),
        says="nginx mounts: expected what is on the host now, "
        "observed at /etc/nginx one that was moved to ",
    ),
    Fault(
        "nginx-reload-failed",
        "nginx received a reload with a broken configuration, and kept the old one",
        inject=f"echo 'server {{' >> {_SITE} && docker kill --signal=HUP vpn-nginx",
        until="docker logs vpn-nginx 2>&1 | tail -n 5 | grep -q emerg",
        red=checks("nginx.config_valid[nginx]", "nginx.log[nginx]"),
        unknown=("nginx.config_loaded[nginx]", "nginx.config_mounted[nginx]", "nginx.routed[*]"),
        says="nginx log: expected no line of level emerg, alert or crit",
    ),
    Fault(
        "nginx-worker-crashed",
        "a worker of nginx died, as on a defect of a module",
        inject="docker exec vpn-nginx bash -c "
        "'kill -KILL $(pgrep -f \"nginx: worker process$\" | head -n 1)'",
        until="docker logs vpn-nginx 2>&1 | tail -n 5 | grep -q 'exited on signal'",
        # A log that says so stays as long as the container runs.
        heal="docker restart vpn-nginx",
        red=checks("nginx.log[nginx]"),
        says="exited on signal 9",
    ),
    Fault(
        "nginx-old-worker-hangs",
        "a client that sends its request byte by byte keeps an old worker after the reload",
        inject="docker exec --detach vpn-nginx bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; "
        'printf "POST /api/health HTTP/1.1\\r\\nHost: localhost\\r\\n" >&3; '
        'printf "Content-Length: 9\\r\\n\\r\\n" >&3; '
        "sleep 50'\n"
        f"sleep 0.5; {RELOAD}; sleep 6",
        until="docker exec vpn-nginx pgrep -f 'shutting down'",
        heal="docker exec vpn-nginx pkill -x sleep",
        red=checks("nginx.old_workers[nginx]"),
        says="nginx old workers: expected to end within 5 s of a reload, observed 1 still there",
    ),
    Fault(
        "upstream-recreated",
        "a container was replaced, has another address, and nginx was not reloaded",
        inject="echo 'services: {api: {networks: {default: {ipv4_address: 172.20.200.1}}}}' "
        "> out/override.yaml\n"
        "compose --file out/override.yaml up --detach --no-deps --wait api",
        heal="rm out/override.yaml",
        red=checks("nginx.loaded_after[api]", "identity.origin[api]",
                   "routes.status[api, api-health, server-api-health]"),
        unknown=("routes.*[api]", "routes.*[api-health]", "routes.*[server-api-health]"),
        says="api known to nginx: expected nginx to have loaded after it started",
    ),
    Fault(
        "upstream-restarted",
        "a container was restarted after nginx had loaded: all is well only by luck",
        inject="docker restart vpn-nexusai",
        until="curl -sk --resolve nexusai.domain.com:$LAB_HTTPS_PORT:127.0.0.1 -o /dev/null "
        "-w '%{http_code}' https://nexusai.domain.com:$LAB_HTTPS_PORT/ | grep -q 200",
        red=checks("nginx.loaded_after[nexusai]"),
        says="nexusai known to nginx: expected nginx to have loaded after it started",
    ),
    Fault(
        "upstream-addresses-swapped",
        "an address that nginx knows now belongs to another container",
        inject=f"pgadmin={_address('vpn-pgadmin')}; nexusai={_address('vpn-nexusai')}\n"
        f"for each in pgadmin nexusai; do docker network disconnect {_NETWORK} vpn-$each; done\n"
        f"docker network connect --ip $nexusai --alias pgadmin {_NETWORK} vpn-pgadmin\n"
        f"docker network connect --ip $pgadmin --alias nexusai {_NETWORK} vpn-nexusai",
        heal="docker rm --force vpn-pgadmin vpn-nexusai",
        red=checks("routes.status[nexusai]", "routes.identity[pgadmin]"),
        unknown=("routes.*[nexusai]",),
        says="pgadmin answered by pgadmin: expected pgAdmin, observed <!doctype html>",
    ),
    Fault(
        "upstream-half-dead",
        "of the two addresses that nginx has for a service one is dead, and it hides that",
        inject="sed -i '1i upstream apis { server api:5000; server api:5999; }' "
        f"{_SITE} && sed -i 's#http://api:5000#http://apis#' {_SITE} && {RELOAD}",
        red=checks("nginx.routed[api, api-health]"),
        says="api in nginx's configuration: expected to lead to api at 5000, "
        "observed api:5000, api:5999",
    ),
    Fault(
        "upstream-name-taken",
        "a second container answers to the name of an upstream, from the next reload on",
        inject=f"docker network disconnect {_NETWORK} vpn-ollama\n"
        f"docker network connect --alias ollama --alias web {_NETWORK} vpn-ollama",
        heal="docker rm --force vpn-ollama",
        red=checks("nginx.resolves[web]"),
        says="web address in nginx's network: expected",
    ),
)  # fmt: skip
