"""Routes that answer, and are wrong: another service, ill, slow, in the clear, or not served."""

from lab.faults.fault import Fault, checks
from lab.faults.reload import RELOAD

_SITE = "out/nginx/conf.d/chatbuilds.conf"
_NEXUSAI = "out/nginx/conf.d/nexusai.conf"
_PLAIN = "out/nginx/conf.d/default.conf"

FAULTS = (
    Fault(
        "route-to-wrong-service",
        "/api leads to another service, which answers 200",
        inject="sed -i 's#proxy_pass http://api:5000;"
        f"#rewrite ^ /health break; proxy_pass http://python-api:5001;#' {_SITE} && {RELOAD}",
        red=checks("routes.identity[api, api-health]", "nginx.routed[api, api-health]",
                   "routes.instance[api, api-health]"),
        says="api answered by api: expected service: api, observed service: python-api",
    ),
    Fault(
        "route-from-stale-cache",
        "a page comes from a cache, sent by a container that no longer exists",
        inject=f"sed -i '1i proxy_cache_path /tmp/old keys_zone=old:1m;' {_SITE}\n"
        "sed -i 's#proxy_pass http://api:5000;#& proxy_cache old; proxy_cache_valid 1h; "
        f"proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;#' {_SITE} && {RELOAD}\n"
        "for path in api api/health; do curl -sk -o /dev/null "
        "--resolve chatbuilds.com:$LAB_HTTPS_PORT:127.0.0.1 "
        "https://chatbuilds.com:$LAB_HTTPS_PORT/$path; done\n"
        f"compose up --detach --no-deps --force-recreate --wait api && {RELOAD}",
        red=checks("routes.instance[api, api-health]"),
        says="api instance: expected a running container of api, observed ",
    ),
    Fault(
        "route-degraded",
        "a service answers 200 and says in the body that it is degraded",
        inject="sed -i 's#proxy_pass http://api:5000;#proxy_pass http://api:5000; "
        f"sub_filter_types *; sub_filter ok degraded;#' {_SITE} && {RELOAD}",
        red=checks("routes.healthy[api-health]"),
        says="api-health says: expected status: ok, observed status: degraded",
    ),
    Fault(
        "route-slow",
        "a page arrives byte by byte",
        inject=f"sed -i 's#proxy_pass#limit_rate 80; proxy_pass#' {_NEXUSAI} && {RELOAD}",
        red=checks("routes.latency[nexusai]"),
        says="nexusai latency: expected at most 2000 ms, observed",
    ),
    Fault(
        "http-not-upgraded",
        "plain http is no longer sent to https",
        inject=f"sed -i 's#return 301 https://#return 301 http://#' {_PLAIN} && {RELOAD}",
        red=checks("routes.upgrade[http-redirect]"),
        says="http-redirect upgrade to https: expected 301 or 308 to https, observed 301 to http:",
    ),
    Fault(
        "redirect-to-closed-port",
        "plain http is sent to a port at which nothing listens",
        inject=f"sed -i 's#https://$host$request_uri#https://$host:8443$request_uri#' {_PLAIN} && "
        f"{RELOAD}",
        red=checks("routes.upgrade[http-redirect]", "routes.redirects[http-redirect]"),
        says="http-redirect upgrade to https: expected 301 or 308 to https at a port that is "
        "published, observed 301 to https://chatbuilds.com:8443/",
    ),
    Fault(
        "http-upgraded-for-now",
        "plain http is sent to https for now only: browsers ask in the clear again each time",
        inject=f"sed -i 's#return 301 https://#return 302 https://#' {_PLAIN} && {RELOAD}",
        red=checks("routes.upgrade[http-redirect]", "routes.status[http-redirect]"),
        unknown=("routes.latency[http-redirect]",),
        says="http-redirect upgrade to https: expected 301 or 308 to https, observed 302 to https:",
    ),
    Fault(
        "server-sent-to-https",
        "all plain http is sent to https, and so is what the server asks itself",
        inject="sed -i 's#server_name localhost;#server_name _;#; "
        f"s#server_name chatbuilds.com#server_name localhost chatbuilds.com#' {_PLAIN} && {RELOAD}",
        red=checks("routes.status[server-health, server-api-health]",
                   "nginx.routed[server-api-health]"),
        unknown=("routes.*[server-health]", "routes.*[server-api-health]"),
        says="server-health status: expected 200, observed 301",
    ),
    Fault(
        "protection-lost",
        "a deploy lost the lines that keep strangers out of a page",
        inject=f"sed -i '/deny all/d' {_SITE} && {RELOAD}",
        red=checks("routes.protected[nginx-status]", "routes.status[nginx-status]"),
        unknown=("routes.latency[nginx-status]",),
        says="nginx-status without credentials: expected 401 or 403, observed 200",
    ),
    Fault(
        "redirect-loop",
        "a page redirects to itself",
        inject=f"sed -i 's#proxy_pass http://n8n:5678/;#return 302 /n8n/;#' {_SITE} && {RELOAD}",
        red=checks("routes.status[n8n]", "nginx.routed[n8n]"),
        unknown=("routes.identity[n8n]", "routes.latency[n8n]"),
        says="n8n status: expected 200, observed 302",
    ),
    Fault(
        "prefix-lost",
        "a program behind a prefix does not receive it, and redirects to pages of another one",
        inject=f"sed -i '/X-Script-Name/d' {_SITE} && {RELOAD}",
        red=checks("routes.status[pgadmin]"),
        unknown=("routes.identity[pgadmin]", "routes.latency[pgadmin]"),
        says="pgadmin status: expected 200, observed 404",
    ),
    Fault(
        "route-empty",
        "a page answers 200, and is empty",
        inject="sed -i 's#proxy_pass http://nexusai;#add_header X-Served-By nexusai; return 200;#' "
        f"{_NEXUSAI} && {RELOAD}",
        red=checks("routes.identity[nexusai]", "nginx.routed[nexusai]"),
        says="nexusai answered by nexusai: expected NexusAI, observed nothing",
    ),
    Fault(
        "route-garbled",
        "a page says that it is compressed, and is not: no browser shows it",
        inject="sed -i 's#proxy_pass#add_header Content-Encoding gzip; proxy_pass#' "
        f"{_NEXUSAI} && {RELOAD}",
        red=checks("routes.status[nexusai]"),
        unknown=("routes.*[nexusai]",),
        says="nexusai status: expected 200, observed Error -3 while decompressing data",
    ),
    Fault(
        "server-block-lost",
        "a deploy lost the server block of a host",
        inject=f"rm {_NEXUSAI} && {RELOAD}",
        red=checks("routes.status[nexusai]", "nginx.routed[nexusai]",
                   "tls.trusted[nexusai.domain.com]"),
        unknown=("routes.*[nexusai]", "tls.*[nexusai.domain.com]"),
        says="nexusai in nginx's configuration: expected to lead to nexusai at 80, "
        "observed no server block for nexusai.domain.com",
    ),
)  # fmt: skip
