"""Messages of level crit or alert that clients cause: malformed handshakes, records and requests.

Everybody can cause them at any time, so they say nothing about the server. Each has its place in
nginx's source, of version 1.22 if not said otherwise.
"""

from typing import NamedTuple


class ClientMessage(NamedTuple):
    """A message that a client causes."""

    pattern: str
    """A regular expression for its beginning, after the level and the numbers of the process."""
    source: str


_NOT_OF_UPSTREAM = r"(?!.{0,400}? while [a-zA-Z, -]{0,60}upstream)"
CLIENT_MESSAGES = (
    ClientMessage(
        # At crit for each reason that is not in its list of harmless ones, such as a bad MAC.
        r"SSL_(?!CTX_)[a-z_]+\(\) failed" + _NOT_OF_UPSTREAM,
        "src/event/ngx_event_openssl.c: ngx_ssl_connection_error()",
    ),
    ClientMessage(
        r"ignoring stale global SSL error",
        "src/event/ngx_event_openssl.c: ngx_ssl_clear_error()",
    ),
    ClientMessage(
        r"peer (?:closed connection|shutdown SSL) in SSL handshake" + _NOT_OF_UPSTREAM,
        "src/event/ngx_event_openssl.c: ngx_ssl_handshake()",
    ),
    ClientMessage(
        r"client ",
        "src/http/ngx_http_request.c, src/http/v2/ngx_http_v2.c: what a request may not be",
    ),
    ClientMessage(
        # The path of a request, which no file can have.
        r"[a-z]+\(\) \".{0,4096}?\" failed \((?:36: File name too long|20: Not a directory)\)",
        "src/http/ngx_http_core_module.c: ngx_http_core_try_files_phase()",
    ),
    ClientMessage(
        r"(?:recv|send|recvmsg|sendmsg|shutdown|setsockopt|getsockname|getpeername)\(\w*\) failed "
        r"\((?:32: Broken pipe|103: Software caused connection abort|104: Connection reset by peer|"
        r"107: Transport endpoint is not connected|110: Connection timed out)\)" + _NOT_OF_UPSTREAM,
        "src/core/ngx_connection.c: ngx_connection_error()",
    ),
    ClientMessage(
        r"(?:quic|http3) ",
        "src/event/quic/, src/http/v3/ of version 1.25: what a packet may not be",
    ),
    ClientMessage(
        # A command that was executed in the container and killed, a health check or one of ours.
        # nginx, its first process, reaps it.
        r"unknown process \d+ exited on signal",
        "src/os/unix/ngx_process.c: ngx_process_get_status()",
    ),
)
