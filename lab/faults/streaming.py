"""Requests that need more of a proxy than a page does: WebSockets, streams, bodies, uploads."""

from lab.faults.fault import Fault, checks
from lab.faults.reload import RELOAD

_SITE = "out/nginx/conf.d/chatbuilds.conf"

FAULTS = (
    Fault(
        "websocket-headers-lost",
        "a deploy lost the lines that pass the headers of WebSockets on: an editor stays offline",
        inject=f"sed -i '/proxy_set_header Upgrade/d; /proxy_set_header Connection/d' {_SITE} "
        f"&& {RELOAD}",
        red=checks("routes.status[n8n-push]"),
        unknown=("routes.latency[n8n-push]",),
        says="n8n-push status: expected a WebSocket (101 Switching Protocols), observed 401: "
        "nginx does not pass Upgrade and Connection",
    ),
    Fault(
        "stream-buffered",
        "a deploy lost the line that turns buffering off: events arrive minutes late",
        inject=f"sed -i '/proxy_buffering off/d' {_SITE} && {RELOAD}",
        red=checks("routes.stream[n8n-events]", "routes.status[n8n-events]"),
        unknown=("routes.latency[n8n-events]",),
        says="n8n-events stream: expected events while the response goes on, observed no answer "
        "within 5 s: nginx buffers the response (proxy_buffering on)",
    ),
    Fault(
        "method-refused",
        "a hardened location allows only GET, so that nothing can be ordered",
        inject="sed -i 's#client_max_body_size 16m;#& limit_except GET { deny all; }#' "
        f"{_SITE} && {RELOAD}",
        red=checks("routes.status[n8n-webhook]"),
        unknown=("routes.healthy[n8n-webhook]", "routes.latency[n8n-webhook]"),
        says="n8n-webhook status of POST: expected 200, observed 403",
    ),
    Fault(
        "body-lost",
        "a proxy does not pass the body of a request on: 200, and nothing was ordered",
        inject="sed -i 's#client_max_body_size 16m;#& proxy_pass_request_body off; "
        f"""proxy_set_header Content-Length "";#' {_SITE} && {RELOAD}""",
        red=checks("routes.healthy[n8n-webhook]"),
        says="n8n-webhook says: expected received: order 1, observed received: none",
    ),
    Fault(
        "body-limit-lost",
        "a deploy lost the maximum size of uploads: the default of 1 MiB refuses them",
        inject=f"sed -i '/client_max_body_size/d' {_SITE} && {RELOAD}",
        red=checks("routes.body_limit[n8n-webhook]"),
        says="n8n-webhook body limit: expected a body of 16 MiB to be accepted, observed 413 "
        "Request Entity Too Large: client_max_body_size is 1 MiB",
    ),
    Fault(
        "body-limit-off",
        "someone turned the maximum size of uploads off: one client can fill the disk",
        inject=f"sed -i 's/client_max_body_size 16m/client_max_body_size 0/' {_SITE} && {RELOAD}",
        red=checks("routes.body_limit[n8n-webhook]"),
        says="n8n-webhook body limit: expected a body of more than 16 MiB to be refused with 413, "
        "observed 100 Continue: client_max_body_size is 0 (no limit)",
    ),
    Fault(
        "error-page-with-200",
        "a page that cannot be rendered answers 200, with the title of the site",
        inject="sed -i 's#proxy_pass http://web:3000;#& sub_filter \"</h1>\" "
        '"</h1><p>Application error: a server-side exception has occurred</p>";#\' '
        f"{_SITE} && {RELOAD}",
        red=checks("routes.forbidden_text[home]"),
        says="home text: expected no Application error: a server-side exception, observed ",
    ),
)  # fmt: skip
