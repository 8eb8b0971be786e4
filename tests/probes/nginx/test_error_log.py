"""Whether the engine shows what nginx logs."""

import pytest

from stackproof.facts.command import CommandResult
from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.error_log import hidden_log

LINKED = "link /var/log/nginx/error.log = /dev/stderr"


def hidden(configuration: str, *rows: str) -> str:
    output = "\n".join([*rows, "configuration", "link /x = /dev/stderr"])
    result = CommandResult(command="x", exit_code=0, output=output)
    dump = f"# configuration file /etc/nginx/nginx.conf:\n{configuration}"
    return hidden_log(parse(dump), result)


@pytest.mark.parametrize(
    ("configuration", "rows", "why"),
    [
        ("error_log stderr;", (), ""),
        ("error_log /dev/stderr notice;", (), ""),
        ("error_log /dev/stdout crit;", (), ""),
        ("error_log /dev/fd/1;", (), ""),
        ("error_log /proc/self/fd/2;", ("link /proc/self/fd/2 = pipe:[7]",), ""),
        ("error_log /proc/1/fd/1 debug;", (), ""),
        ("error_log /dev/stderr alert;", (), "/dev/stderr alert"),
        ("error_log stderr emerg;", (), "stderr emerg"),
        ("error_log /dev/null;", (), "/dev/null"),
        ("error_log syslog:server=a crit;", (), "syslog:server=a crit"),
        ("error_log /x;", (), "/x"),
        ("error_log /srv/a.log;", ("link /srv/a.log = /dev/stdout",), ""),
        ("error_log /srv/a.log;", ("link /srv/a.log = /srv/b.log",), "/srv/a.log"),
        ("error_log /srv/a.log; error_log stderr;", (), ""),
        # The default.
        ("", (), "/var/log/nginx/error.log"),
        ("", (LINKED,), ""),
        ("", ("log /opt/error.log", LINKED), "/opt/error.log"),
        ("", ("log /opt/error.log", "link /opt/error.log = /dev/stderr"), ""),
        # Inner levels replace outer ones.
        ("error_log stderr; http { error_log /x; }", (), "/x"),
        ("error_log stderr; http { server { error_log /x warn; } }", (), "/x warn"),
        ("error_log stderr; http { server { location / { error_log /dev/null; } } }", (), ""),
        ("error_log stderr; http { server { error_log stderr; } }", (), ""),
        # Options of the running nginx.
        ("", ("master nginx: master process nginx -g daemon off; error_log stderr info;",), ""),
        ("", ("master nginx: master process nginx -g error_log /x;",), "/x"),
        ("", ("master nginx: master process nginx -g error_log stderr emerg;",), "stderr emerg"),
    ],
)
def test_hidden_log(configuration: str, rows: tuple[str, ...], why: str) -> None:
    assert hidden(configuration, *rows) == (f"nginx logs with error_log {why}" if why else "")
